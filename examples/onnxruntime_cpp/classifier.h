#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <onnxruntime_cxx_api.h>

#include "image.h"

// An integer-only classifier that tools/export.py of IPTQ-MM wrote.
class Classifier {
 public:
  // `library`: kernels of IPTQ-MM, which give the same integers faster; empty
  // for none. Throws std::runtime_error for a file that is none,
  // Ort::Exception for one that ONNX Runtime does not load.
  explicit Classifier(const std::string& path,
                      const std::string& library = "");

  // Integer logits of an image that has the size of the model.
  std::vector<int16_t> logits(const Image& image);

  // Class names by index; empty where the file has none.
  const std::vector<std::string>& classes() const { return classes_; }

  // What one step of the logits stands for.
  double scale() const { return scale_; }

 private:
  Ort::Env env_;
  Ort::Session session_;
  int64_t height_, width_;
  // "pixels", or "image" where they are quantized here.
  std::string input_;
  // What the model takes of each pixel value then, channel by channel.
  std::array<std::array<int8_t, 256>, 3> table_;
  double scale_;
  std::vector<std::string> classes_;
};
