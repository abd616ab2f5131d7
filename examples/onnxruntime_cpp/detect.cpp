// Find objects in images with an integer-only ONNX file through ONNX Runtime.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "detector.h"
#include "draw.h"
#include "image.h"

namespace {

constexpr char kUsage[] =
    "usage: detect [--library libiptq.so] [--out DIR] [--threshold P] "
    "MODEL.onnx IMAGE...\n\n"
    "MODEL.onnx is a detector that tools/export.py wrote. Prints a line for "
    "each\ndetection, all integers: label, score with 30 fractional bits, box "
    "(x1, y1, x2, y2)\nin 256ths of a pixel, number of pixels of its mask. "
    "With --out each image is written\nwith its detections as DIR/NAME.png. "
    "The library has the same integers faster.\n";

struct Options {
  std::string library, out, model;
  double threshold = 0.3;
  std::vector<std::string> images;
};

// False if there is nothing to be done with them.
bool parse(int argc, char** argv, Options& options) {
  int i = 1;
  for (; i + 1 < argc && std::strncmp(argv[i], "--", 2) == 0; i += 2) {
    const std::string name = argv[i];
    if (name == "--library") {
      options.library = argv[i + 1];
    } else if (name == "--out") {
      options.out = argv[i + 1];
    } else if (name == "--threshold") {
      char* end = nullptr;
      options.threshold = std::strtod(argv[i + 1], &end);
      if (*end || options.threshold < 0 || options.threshold > 1) return false;
    } else {
      return false;
    }
  }
  if (argc < i + 2) return false;
  options.model = argv[i];
  options.images.assign(argv + i + 1, argv + argc);
  return true;
}

void print(const Detections& found, int32_t least, const Image& image) {
  const int64_t area = image.height * image.width;
  for (size_t i = 0; i < found.boxes.size(); ++i) {
    if (found.scores[i] < least) continue;
    int64_t pixels = 0;
    if (!found.masks.empty()) {
      const auto mask = found.masks.begin() + static_cast<int64_t>(i) * area;
      pixels = std::count(mask, mask + area, 1);
    }
    const auto& box = found.boxes[i];
    std::printf("%lld %d %d %d %d %d %lld\n",
                static_cast<long long>(found.labels[i]), found.scores[i],
                box[0], box[1], box[2], box[3],
                static_cast<long long>(pixels));
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  const auto least = static_cast<int32_t>(options.threshold * (1 << 30));
  try {
    Detector detector(options.model, options.library);
    for (const std::string& path : options.images) {
      Image image = read_image(path);
      const Detections found = detector.detect(image);
      std::printf("%s\n", path.c_str());
      print(found, least, image);
      if (!options.out.empty()) {
        std::filesystem::create_directories(options.out);
        draw(found, least, image);
        const auto name = std::filesystem::path(path).stem().string() + ".png";
        write_png((std::filesystem::path(options.out) / name).string(), image);
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
