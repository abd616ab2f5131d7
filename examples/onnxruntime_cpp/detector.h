#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <onnxruntime_cxx_api.h>

#include "image.h"

// What is found in an image, the best first; all integers.
struct Detections {
  std::vector<std::array<int32_t, 4>> boxes;  // x1, y1, x2, y2; pixel / 256
  std::vector<int32_t> scores;                // 30 fractional bits
  std::vector<int64_t> labels;
  std::vector<uint8_t> masks;  // [N, height, width], 0 or 1; may be empty
};

// An integer-only detector that tools/export.py of IPTQ-MM wrote.
class Detector {
 public:
  // `library`: kernels of IPTQ-MM, which give the same integers faster; empty
  // for none. Throws std::runtime_error for a file that is none,
  // Ort::Exception for one that ONNX Runtime does not load.
  explicit Detector(const std::string& path, const std::string& library = "");

  // Of an image of any size, in its own pixels.
  Detections detect(const Image& image);

  // Class names by label; empty where the file has none.
  const std::vector<std::string>& classes() const { return classes_; }

 private:
  Image scaled(const Image& image) const;

  Ort::Env env_;
  Ort::Session session_;
  // The longer and the shorter side of a scaled image, at most; 0 where the
  // file does not say.
  double longest_ = 0, shortest_ = 0;
  bool blue_first_;
  std::vector<std::string> outputs_;
  std::vector<std::string> classes_;
};
