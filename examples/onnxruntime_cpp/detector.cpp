#include "detector.h"

#include <algorithm>
#include <stdexcept>

#include "model.h"

namespace {

template <class T>
std::vector<T> numbers(const Ort::Value& value) {
  const T* data = value.GetTensorData<T>();
  return {data, data + value.GetTensorTypeAndShapeInfo().GetElementCount()};
}

}  // namespace

Detector::Detector(const std::string& path, const std::string& library)
    : env_(ORT_LOGGING_LEVEL_ERROR, "detect"),
      session_(env_, path.c_str(), session_options(library)) {
  const nlohmann::json about = description(session_);
  if (about.at("part") != "detector" ||
      about.at("inputs").at(0).at("name") != "pixels") {
    throw std::runtime_error(path +
                             " is no detector that takes pixels: export one "
                             "that was quantized with scope=all and "
                             "input=uint8, the defaults of tools/ptq.py");
  }
  if (!about.at("resize").is_null()) {
    longest_ = about.at("resize").at("scale").at(0);
    shortest_ = about.at("resize").at("scale").at(1);
  }
  blue_first_ = about.at("normalization").at("channels") == "BGR";
  for (const auto& output : about.at("outputs"))
    outputs_.push_back(output.at("name"));
  if (!about.at("classes").is_null())
    classes_ = about.at("classes").get<std::vector<std::string>>();
}

Image Detector::scaled(const Image& image) const {
  if (longest_ <= 0) return image;
  const auto [less, more] = std::minmax(image.height, image.width);
  const double factor = std::min(longest_ / static_cast<double>(more),
                                 shortest_ / static_cast<double>(less));
  const auto side = [&](int64_t length) {
    return std::max<int64_t>(
        1, static_cast<int64_t>(static_cast<double>(length) * factor + 0.5));
  };
  return resized(image, side(image.height), side(image.width));
}

Detections Detector::detect(const Image& image) {
  const Image seen = scaled(image);
  const int64_t area = seen.height * seen.width;
  std::vector<uint8_t> planes(3 * area);
  for (int64_t channel = 0; channel < 3; ++channel) {
    uint8_t* plane =
        planes.data() + (blue_first_ ? 2 - channel : channel) * area;
    for (int64_t i = 0; i < area; ++i)
      plane[i] = seen.pixels[3 * i + channel];
  }
  const auto memory =
      Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const std::array<int64_t, 4> shape = {1, 3, seen.height, seen.width};
  std::array<int64_t, 2> size = {image.height, image.width};
  const std::array<int64_t, 1> two = {2};
  const std::array<Ort::Value, 2> given = {
      Ort::Value::CreateTensor<uint8_t>(memory, planes.data(), planes.size(),
                                        shape.data(), shape.size()),
      Ort::Value::CreateTensor<int64_t>(memory, size.data(), size.size(),
                                        two.data(), two.size())};
  const char* const inputs[] = {"pixels", "size"};
  std::vector<const char*> outputs;
  for (const std::string& name : outputs_) outputs.push_back(name.c_str());
  const std::vector<Ort::Value> results =
      session_.Run(Ort::RunOptions(), inputs, given.data(), given.size(),
                   outputs.data(), outputs.size());
  Detections found;
  found.scores = numbers<int32_t>(results[1]);
  found.labels = numbers<int64_t>(results[2]);
  const std::vector<int32_t> corners = numbers<int32_t>(results[0]);
  for (size_t i = 0; i < corners.size(); i += 4)
    found.boxes.push_back(
        {corners[i], corners[i + 1], corners[i + 2], corners[i + 3]});
  if (results.size() > 3) {
    const bool* masks = results[3].GetTensorData<bool>();
    found.masks.assign(
        masks, masks + results[3].GetTensorTypeAndShapeInfo().GetElementCount());
  }
  return found;
}
