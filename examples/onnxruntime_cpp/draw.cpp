#include "draw.h"

#include <algorithm>

namespace {

using Colour = std::array<uint8_t, 3>;

constexpr Colour kColours[] = {{230, 25, 75}, {60, 180, 75}, {255, 225, 25},
                               {0, 130, 200}, {245, 130, 48}, {145, 30, 180},
                               {70, 240, 240}, {240, 50, 230}};

void set(Image& image, int64_t x, int64_t y, const Colour& colour) {
  if (x < 0 || y < 0 || x >= image.width || y >= image.height) return;
  std::copy(colour.begin(), colour.end(),
            image.pixels.begin() + 3 * (y * image.width + x));
}

void outline(Image& image, const std::array<int32_t, 4>& box,
             const Colour& colour) {
  const int64_t left = box[0] >> 8, top = box[1] >> 8;
  const int64_t right = box[2] >> 8, bottom = box[3] >> 8;
  for (int64_t x = left; x <= right; ++x) {
    set(image, x, top, colour);
    set(image, x, bottom, colour);
  }
  for (int64_t y = top; y <= bottom; ++y) {
    set(image, left, y, colour);
    set(image, right, y, colour);
  }
}

}  // namespace

void draw(const Detections& found, int32_t least, Image& image) {
  const int64_t area = image.height * image.width;
  // The best are drawn last, above the others.
  for (size_t i = found.boxes.size(); i-- > 0;) {
    if (found.scores[i] < least) continue;
    const Colour& colour = kColours[i % std::size(kColours)];
    if (!found.masks.empty()) {
      const uint8_t* mask = found.masks.data() + static_cast<int64_t>(i) * area;
      for (int64_t at = 0; at < area; ++at)
        for (int channel = 0; mask[at] && channel < 3; ++channel) {
          uint8_t& pixel = image.pixels[3 * at + channel];
          pixel = static_cast<uint8_t>(pixel / 2 + colour[channel] / 2);
        }
    }
    outline(image, found.boxes[i], colour);
  }
}
