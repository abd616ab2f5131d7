// Drives every kernel over buffers of exactly the size it may touch, for the
// address sanitizer to watch. Results are not looked at: test_native.py does.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "../../iptq_mm/ops/csrc/isa/available.h"

namespace {

using iptq::Kernels;

template <class T>
std::vector<T> noise(int64_t count, int limit) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(rand() % (2 * limit) - limit);
  return values;
}

int64_t whole_vectors(int64_t count, const Kernels& k) {
  return (count + k.lanes - 1) / k.lanes * k.lanes;
}

struct Aligned {
  explicit Aligned(int64_t bytes)
      : memory(std::aligned_alloc(64, (bytes + 63) / 64 * 64)) {}
  ~Aligned() { std::free(memory); }
  void* memory;
};

void linear(const Kernels& k, const iptq::LinearKernels& l, int limit,
            int64_t rows, int64_t inner, int64_t columns, int bits, bool add) {
  const auto x = noise<int8_t>(rows * inner, 127);
  const auto weight = noise<int8_t>(inner * columns, limit);
  std::vector<int8_t> packed(l.packed_bytes(inner, columns));
  const int64_t padded = whole_vectors(columns, k);
  std::vector<int32_t> sums(padded), start(padded), m(padded, 1 << 30),
      n(padded, 40);
  l.pack(weight.data(), inner, columns, packed.data(), sums.data());
  const auto residual = noise<int16_t>(rows * columns, 32767);
  std::vector<int8_t> y(rows * columns * (bits > 8 ? 2 : 1));
  const Aligned scratch(l.scratch(rows, inner));
  for (int64_t begin = 0; begin < columns; begin += l.panel_columns)
    l.multiply({x.data(),
                rows,
                {inner, columns, packed.data(), sums.data()},
                {start.data(), m.data(), n.data(), bits, bits == 8},
                add ? residual.data() : nullptr,
                y.data(),
                begin,
                std::min(begin + l.panel_columns, columns)},
               scratch.memory);
  const auto table = noise<int8_t>(256, 127);
  k.look_up(y.data(), static_cast<int64_t>(y.size()), table.data());
}

void layer_norm(const Kernels& k, int64_t rows, int64_t channels, int bits) {
  const auto x = noise<int16_t>(rows * channels, 32767);
  const int64_t padded = whole_vectors(channels, k);
  const std::vector<int32_t> m(padded, 1 << 20);
  const std::vector<uint64_t> bias(padded, 1 << 20);
  std::vector<int8_t> y(rows * channels * (bits > 8 ? 2 : 1));
  k.layer_norm({x.data(), rows, channels, 1, 4, 40, m.data(), bias.data(),
                bits, y.data()});
}

void recode(const Kernels& k, int64_t rows, int64_t channels) {
  const auto x = noise<int16_t>(rows * channels, 32767);
  const int64_t padded = whole_vectors(channels, k);
  const std::vector<int32_t> m(padded, 1 << 30), n(padded, 40),
      factor(padded, 3);
  std::vector<int16_t> y(rows * channels);
  k.recode({x.data(), rows, channels, m.data(), n.data(), factor.data(),
            y.data()});
}

void attention(const Kernels& k, int64_t length, int64_t heads, int64_t width,
               iptq::Exponential exponential,
               iptq::Normalization normalization) {
  const int64_t channels = heads * width, padded = whole_vectors(length, k);
  const auto qkv = noise<int8_t>(length * 3 * channels, 127);
  std::vector<int8_t> context(length * channels);
  std::vector<const int8_t*> tokens(length);
  std::vector<int8_t*> outputs(length);
  for (int64_t i = 0; i < length; ++i) {
    tokens[i] = qkv.data() + i * 3 * channels;
    outputs[i] = i % 5 ? context.data() + i * channels : nullptr;
  }
  std::vector<int32_t> bias(length * padded, iptq::outside), regions(padded);
  for (int64_t i = 0; i < length * length; ++i)
    bias[i / length * padded + i % length] = rand() % 1000;
  const Aligned scratch(k.attention_scratch(length, width));
  iptq::AttentionTask task{};
  task.length = length;
  task.channels = channels;
  task.head_channels = width;
  task.tokens = tokens.data();
  task.outputs = outputs.data();
  task.bias = bias.data();
  task.bias_stride = padded;
  task.regions = length % 2 ? regions.data() : nullptr;
  task.mask = -1000;
  task.score = task.output = {1 << 30, 36};
  task.bits = 8;
  task.softmax = {exponential, normalization, -10000, {1 << 30, 20}, 8, {}};
  std::fill(std::begin(task.softmax.entries),
            std::end(task.softmax.entries), 1 << 24);
  task.scratch = scratch.memory;
  for (task.head = 0; task.head < heads; ++task.head) k.attention(task);
}

}  // namespace

int main() {
  for (const Kernels* k : iptq::available_kernels()) {
    for (int i = 0; i < 60; ++i) {
      const int64_t a = rand() % 70 + 1, b = rand() % 130 + 1,
                    c = rand() % 130 + 1;
      linear(*k, k->linear, 127, a, b, c, i % 2 ? 8 : 16, i % 4 == 0);
      linear(*k, k->small_linear, iptq::small_weight, a, b, c,
             i % 2 ? 8 : 16, i % 4 == 0);
      layer_norm(*k, a, b, i % 2 ? 8 : 16);
      recode(*k, a, b);
      attention(*k, a, rand() % 3 + 1, rand() % 40 + 1,
                static_cast<iptq::Exponential>(i % 4),
                static_cast<iptq::Normalization>(i % 3 == 0));
    }
    std::puts(k->name);
  }
}
