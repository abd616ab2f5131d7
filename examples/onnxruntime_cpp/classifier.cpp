#include "classifier.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "model.h"

namespace {

// What the model takes of each pixel value. Each operation is one of float32,
// as in IPTQ-MM, so that no pixel becomes another integer.
std::array<int8_t, 256> quantized(float mean, float std, double scale) {
  const float inverse = static_cast<float>(1 / scale);
  std::array<int8_t, 256> table;
  for (int pixel = 0; pixel < 256; ++pixel) {
    const float x = (static_cast<float>(pixel) - mean) / std;
    const float q = std::floor(x * inverse + 0.5f);
    table[pixel] = static_cast<int8_t>(std::clamp(q, -127.0f, 127.0f));
  }
  return table;
}

}  // namespace

Classifier::Classifier(const std::string& path, const std::string& library)
    : env_(ORT_LOGGING_LEVEL_WARNING, "classify"),
      session_(env_, path.c_str(), session_options(library)) {
  const nlohmann::json about = description(session_);
  const nlohmann::json& output = about.at("outputs").at(0);
  if (output.at("name") != "logits") {
    throw std::runtime_error(path + " gives no logits: export a classifier");
  }
  const nlohmann::json& normalization = about.at("normalization");
  if (normalization.is_null()) {
    throw std::runtime_error(
        path + " does not say how images are normalized: export the "
               "int_config.py of tools/ptq.py");
  }
  input_ = about.at("inputs").at(0).at("name");
  for (size_t channel = 0; channel < table_.size() && input_ == "image";
       ++channel) {
    table_[channel] = quantized(normalization.at("mean").at(channel),
                                normalization.at("std").at(channel),
                                about.at("inputs").at(0).at("scale"));
  }
  height_ = about.at("size").at(0);
  width_ = about.at("size").at(1);
  scale_ = output.at("scale");
  if (!about.at("classes").is_null()) {
    classes_ = about.at("classes").get<std::vector<std::string>>();
  }
}

std::vector<int16_t> Classifier::logits(const Image& image) {
  if (image.height != height_ || image.width != width_) {
    throw std::runtime_error("the image is " + std::to_string(image.height) +
                             " x " + std::to_string(image.width) +
                             " pixels, the model takes " +
                             std::to_string(height_) + " x " +
                             std::to_string(width_));
  }
  const bool pixels = input_ == "pixels";
  const int64_t area = height_ * width_;
  std::vector<uint8_t> planes(3 * area);
  for (int64_t channel = 0; channel < 3; ++channel) {
    for (int64_t i = 0; i < area; ++i) {
      const uint8_t pixel = image.pixels[3 * i + channel];
      planes[channel * area + i] =
          pixels ? pixel : static_cast<uint8_t>(table_[channel][pixel]);
    }
  }
  const std::array<int64_t, 4> shape = {1, 3, height_, width_};
  const Ort::Value tensor = Ort::Value::CreateTensor(
      Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault),
      planes.data(), planes.size(), shape.data(), shape.size(),
      pixels ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8
             : ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8);
  const char* const inputs[] = {input_.c_str()};
  const char* const outputs[] = {"logits"};
  const std::vector<Ort::Value> results = session_.Run(
      Ort::RunOptions(), inputs, &tensor, 1, outputs, 1);
  const int16_t* logits = results[0].GetTensorData<int16_t>();
  return {logits,
          logits + results[0].GetTensorTypeAndShapeInfo().GetElementCount()};
}
