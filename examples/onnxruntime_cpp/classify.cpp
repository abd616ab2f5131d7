// Classify images with an integer-only ONNX file through ONNX Runtime.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <numeric>
#include <vector>

#include "classifier.h"
#include "image.h"

namespace {

constexpr size_t kTop = 5;

// Prints index, integer logit, softmax and name of the classes that come
// first.
void print(const std::vector<int16_t>& logits, const Classifier& classifier) {
  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return logits[a] > logits[b];
  });
  const auto exponential = [&](int logit) {
    return std::exp((logit - logits[order[0]]) * classifier.scale());
  };
  double sum = 0;
  for (const int logit : logits) sum += exponential(logit);
  order.resize(std::min(kTop, order.size()));
  for (const size_t index : order) {
    const auto& names = classifier.classes();
    std::printf("%6zu %8d %8.4f  %s\n", index, logits[index],
                exponential(logits[index]) / sum,
                index < names.size() ? names[index].c_str() : "");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool fast = argc > 2 && std::strcmp(argv[1], "--library") == 0;
  const int first = fast ? 3 : 1;
  if (argc < first + 2) {
    std::fprintf(stderr,
                 "usage: classify [--library libiptq.so] MODEL.onnx "
                 "IMAGE...\n\n"
                 "MODEL.onnx is a classifier that tools/export.py wrote, each "
                 "image of the size\nthat the model takes. The library has "
                 "the same integers faster.\n");
    return 2;
  }
  try {
    Classifier classifier(argv[first], fast ? argv[2] : "");
    for (int i = first + 1; i < argc; ++i) {
      const std::vector<int16_t> logits = classifier.logits(read_image(argv[i]));
      std::printf("%s\n", argv[i]);
      print(logits, classifier);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  return 0;
}
