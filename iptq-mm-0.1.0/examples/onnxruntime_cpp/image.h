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

// Reads a binary PPM (P6) of 8 bits a channel; throws std::runtime_error.
Image read_ppm(const std::string& path);
