#include "image.h"

#include <fstream>
#include <limits>
#include <stdexcept>

namespace {

// The next number of the header; comments run from '#' to the line's end.
int64_t number(std::istream& file) {
  while ((file >> std::ws).peek() == '#') {
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  int64_t value = 0;
  file >> value;
  return value;
}

}  // namespace

Image read_ppm(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw std::runtime_error(path + " cannot be opened");
  }
  std::string magic(2, '\0');
  file.read(magic.data(), 2);
  Image image;
  image.width = number(file);
  image.height = number(file);
  const int64_t maximum = number(file);
  constexpr int64_t kLongest = 1 << 15;
  if (!file || magic != "P6" || maximum != 255 || image.width < 1 ||
      image.height < 1 || image.width > kLongest || image.height > kLongest) {
    throw std::runtime_error(path + " is no PPM (P6) of 8 bits a channel");
  }
  file.get();  // the one white space before the pixels
  image.pixels.resize(image.height * image.width * 3);
  file.read(reinterpret_cast<char*>(image.pixels.data()),
            image.pixels.size());
  if (!file) {
    throw std::runtime_error(path + " ends before its last pixel");
  }
  return image;
}
