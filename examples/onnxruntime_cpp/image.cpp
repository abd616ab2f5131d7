#include "image.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

namespace {

constexpr int64_t kLongest = 1 << 15;
constexpr int kCoefficientBits = 11;

// Where a pixel of the result lies among those of the image.
struct Place {
  int64_t before, after;
  int32_t before_weight, after_weight;  // 11 fractional bits
};

// Of all pixels along an axis. OpenCV gives the first and the last pixel of a
// row all the weight; between rows the weights stay.
std::vector<Place> places(int64_t from, int64_t to, bool along_a_row) {
  const double step = static_cast<double>(from) / static_cast<double>(to);
  const auto fixed = [](float weight) {
    return static_cast<int32_t>(
        std::nearbyint(weight * (1 << kCoefficientBits)));
  };
  std::vector<Place> found;
  for (int64_t i = 0; i < to; ++i) {
    const auto place = static_cast<float>((i + 0.5) * step - 0.5);
    const auto before = static_cast<int64_t>(std::floor(place));
    float weight = place - static_cast<float>(before);
    if (along_a_row && (before < 0 || before >= from - 1)) weight = 0;
    const auto inside = [&](int64_t x) {
      return std::clamp<int64_t>(x, 0, from - 1);
    };
    found.push_back({inside(before), inside(before + 1), fixed(1 - weight),
                     fixed(weight)});
  }
  return found;
}

}  // namespace

Image read_image(const std::string& path) {
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load(path.c_str(), &width, &height, &channels, 3),
      stbi_image_free);
  if (!pixels) {
    throw std::runtime_error(path + " cannot be read: " +
                             stbi_failure_reason());
  }
  if (width > kLongest || height > kLongest) {
    throw std::runtime_error(path + " has more than 32768 pixels a side");
  }
  const int64_t count = int64_t{3} * width * height;
  return {height, width, {pixels.get(), pixels.get() + count}};
}

void write_png(const std::string& path, const Image& image) {
  const auto width = static_cast<int>(image.width);
  if (!stbi_write_png(path.c_str(), width, static_cast<int>(image.height), 3,
                      image.pixels.data(), 3 * width)) {
    throw std::runtime_error(path + " cannot be written");
  }
}

Image resized(const Image& image, int64_t height, int64_t width) {
  if (height == image.height && width == image.width) return image;
  const std::vector<Place> rows = places(image.height, height, false);
  const std::vector<Place> columns = places(image.width, width, true);
  const auto line = [&](int64_t row) {
    const uint8_t* from = image.pixels.data() + 3 * row * image.width;
    std::vector<int32_t> to;
    to.reserve(3 * width);
    for (const Place& place : columns)
      for (int channel = 0; channel < 3; ++channel)
        to.push_back(from[3 * place.before + channel] * place.before_weight +
                     from[3 * place.after + channel] * place.after_weight);
    return to;
  };
  Image result{height, width, {}};
  result.pixels.reserve(3 * height * width);
  for (const Place& place : rows) {
    const std::vector<int32_t> above = line(place.before);
    const std::vector<int32_t> below = line(place.after);
    for (int64_t x = 0; x < 3 * width; ++x) {
      const int32_t sum = (place.before_weight * (above[x] >> 4) >> 16) +
                          (place.after_weight * (below[x] >> 4) >> 16);
      result.pixels.push_back(static_cast<uint8_t>((sum + 2) >> 2));
    }
  }
  return result;
}
