// What export/graph/digest.py says.
#include <cstring>

#include "kernel.h"

namespace iptq::ort {
namespace {

uint64_t digest(const Tensor& x) {
  const int64_t size = x.bytes();
  const auto* bytes = static_cast<const unsigned char*>(x.data);
  uint64_t sum = 0;
  for (int64_t i = 0; i < size; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes + i, static_cast<size_t>(size - i < 8 ? size - i
                                                                   : 8));
    sum += (word ^ 0x9E3779B97F4A7C15u) * (static_cast<uint64_t>(i) / 4 + 1);
  }
  return sum + static_cast<uint64_t>(size);
}

}  // namespace

void check_constants(const Node& node) {
  const auto which = static_cast<uint64_t>(node.integer("constants"));
  uint64_t total = 0;
  for (size_t i = 0; which >> i; ++i) {
    if (!(which >> i & 1)) continue;
    const std::vector<Tensor> constant = node.constants(i, i + 1);
    // Computed in the graph, from codes of 4 bits.
    if (constant.empty()) return;
    total = total * 0x100000001B3u + digest(constant[0]);
  }
  require(static_cast<int64_t>(total) == node.integer("digest"),
          "iptq_mm: the file was damaged: its weights are not those that were "
          "exported");
}

}  // namespace iptq::ort
