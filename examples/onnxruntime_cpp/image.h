#pragma once

#include <cstdint>
#include <string>
#include <vector>

// RGB, rows from the top, three bytes a pixel.
struct Image {
  int64_t height;
  int64_t width;
  std::vector<uint8_t> pixels;
};

// Reads PNG, JPEG, BMP, PNM and what else stb_image knows, 8 bits a channel;
// throws std::runtime_error for what is no image, or is damaged.
Image read_image(const std::string& path);

// Writes a PNG; throws std::runtime_error.
void write_png(const std::string& path, const Image& image);

// Bilinear, in fixed point: the pixels that OpenCV's INTER_LINEAR gives.
Image resized(const Image& image, int64_t height, int64_t width);
