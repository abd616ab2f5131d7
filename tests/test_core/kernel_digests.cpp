// Runs every kernel of every instruction set on the same numbers, and prints
// a digest of what came out: the same for all, on every machine.
//
// Buffers are of exactly the size that a kernel may touch, for the address
// sanitizer to watch.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../../iptq_mm/core/isa/available.h"

namespace {

using iptq::Kernels;

// The same numbers with every C library.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // In [0, limit), limit <= 2^31.
  int64_t below(int64_t limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int64_t>(state_ >> 33) % limit;
  }

  // In [-limit, limit].
  template <class T>
  std::vector<T> noise(int64_t count, int64_t limit) {
    std::vector<T> values(count);
    for (T& value : values)
      value = static_cast<T>(below(2 * limit + 1) - limit);
    return values;
  }

 private:
  uint64_t state_;
};

// Fowler, Noll and Vo's, of 64 bits.
class Digest {
 public:
  template <class T>
  void add(const std::vector<T>& values) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
    for (size_t i = 0; i < values.size() * sizeof(T); ++i)
      value_ = (value_ ^ bytes[i]) * 1099511628211u;
  }

  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 14695981039346656037u;
};

int64_t whole_vectors(int64_t count, const Kernels& k) {
  return (count + k.lanes - 1) / k.lanes * k.lanes;
}

struct Aligned {
  explicit Aligned(int64_t bytes)
      : memory(std::aligned_alloc(64, (bytes + 63) / 64 * 64)) {}
  ~Aligned() { std::free(memory); }
  void* memory;
};

// One instruction set, driven over random sizes.
class Run {
 public:
  explicit Run(const Kernels& kernels) : k(kernels) {}

  uint64_t digest() {
    for (int i = 0; i < 60; ++i) {
      const int64_t a = random.below(70) + 1, b = random.below(130) + 1,
                    c = random.below(130) + 1;
      const int bits = i % 2 ? 8 : 16;
      linear(k.linear, 127, a, b, c, bits, i % 4 == 0);
      linear(k.narrow_linear, iptq::largest_narrow_weight, a, b, c, bits,
             i % 4 == 0);
      layer_norm(a, b, bits);
      requantize(a, b, bits);
      recode(a, b);
      softmax(a, b, static_cast<iptq::Exponential>(i % 4),
              static_cast<iptq::Normalization>(i % 3 == 0));
      const int64_t heads = random.below(3) + 1;
      attention(a, heads, random.below(40) + 1,
                static_cast<iptq::Exponential>(i % 4),
                static_cast<iptq::Normalization>(i % 3 == 0));
      const auto size = static_cast<int32_t>(random.below(9)) + 1;
      roi_align(a, size, i % 6 + 1);
    }
    return outputs.value();
  }

 private:
  void linear(const iptq::LinearKernels& l, int limit, int64_t rows,
              int64_t inner, int64_t columns, int bits, bool add) {
    auto x = random.noise<int8_t>(rows * inner, 127);
    auto weight = random.noise<int8_t>(inner * columns, limit);
    if (rows % 8 == 0) {  // the largest sums that there are
      std::fill(x.begin(), x.end(), int8_t{127});
      std::fill(weight.begin(), weight.end(),
                static_cast<int8_t>(-limit - (limit < 127)));
    }
    std::vector<int8_t> packed(l.packed_bytes(inner, columns));
    const int64_t padded = whole_vectors(columns, k);
    std::vector<int32_t> sums(padded), start(padded), m(padded, 1 << 30),
        n(padded, 40);
    l.pack(weight.data(), inner, columns, packed.data(), sums.data());
    for (int64_t i = 0; i < columns; ++i)
      start[i] = static_cast<int32_t>(i) - l.signed_offset * sums[i];
    const auto residual = random.noise<int16_t>(rows * columns, 32767);
    std::vector<int8_t> y(rows * columns * (add || bits > 8 ? 2 : 1));
    const Aligned scratch(l.scratch(rows, inner));
    for (int64_t begin = 0; begin < columns; begin += l.panel_columns)
      l.multiply({x.data(),
                  rows,
                  {inner, columns, packed.data(), sums.data()},
                  {start.data(), m.data(), n.data(), rows % 2 == 0, bits,
                   bits == 8},
                  add ? residual.data() : nullptr,
                  y.data(),
                  begin,
                  std::min(begin + l.panel_columns, columns)},
                 scratch.memory);
    outputs.add(y);
    const auto table = random.noise<int8_t>(256, 127);
    const auto size = static_cast<int64_t>(y.size());
    k.look_up({1, size, 0, table.data(), nullptr, y.data()});
    outputs.add(y);
    const auto codes = random.noise<int16_t>(y.size(), 511);
    const auto wide_table = random.noise<int8_t>(1024, 127);
    k.look_up_wide(
        {1, size, 0, wide_table.data(), codes.data(), y.data()});
    outputs.add(y);
    // A part of each of three rows.
    const int64_t step = size / 3, count = step - step / 4;
    k.look_up({3, count, step, table.data(), nullptr, y.data()});
    outputs.add(y);
    k.look_up_wide(
        {3, count, step, wide_table.data(), codes.data(), y.data()});
    outputs.add(y);
  }

  void layer_norm(int64_t rows, int64_t channels, int bits) {
    const auto x = random.noise<int16_t>(rows * channels, 32767);
    const int64_t padded = whole_vectors(channels, k);
    const std::vector<int32_t> m(padded, 1 << 20);
    const std::vector<uint64_t> bias(padded, 1 << 20);
    std::vector<int8_t> y(rows * channels * (bits > 8 ? 2 : 1));
    k.layer_norm({x.data(), rows, channels, 1, 4, 40, m.data(), bias.data(),
                  bits, y.data()});
    outputs.add(y);
  }

  void requantize(int64_t rows, int64_t channels, int bits) {
    const auto x = random.noise<int16_t>(rows * channels, 32767);
    const int64_t padded = whole_vectors(channels, k);
    const std::vector<int32_t> m(padded, 3 << 29), n(padded, 31);
    std::vector<int8_t> y(rows * channels * (bits > 8 ? 2 : 1));
    k.requantize(
        {x.data(), rows, channels, m.data(), n.data(), bits, y.data()});
    outputs.add(y);
  }

  void recode(int64_t rows, int64_t channels) {
    const auto x = random.noise<int16_t>(rows * channels, 32767);
    const int64_t padded = whole_vectors(channels, k);
    const std::vector<int32_t> m(padded, 1 << 30), n(padded, 40),
        factor(padded, 3);
    std::vector<int16_t> y(rows * channels);
    k.recode({x.data(), rows, channels, m.data(), n.data(), factor.data(),
              y.data()});
    outputs.add(y);
  }

  void softmax(int64_t rows, int64_t length, iptq::Exponential exponential,
               iptq::Normalization normalization) {
    const auto x = random.noise<int32_t>(rows * length, 20000);
    std::vector<int32_t> y(rows * length), scratch(whole_vectors(length, k));
    k.softmax({x.data(), rows, length, parameters(exponential, normalization),
               y.data(), scratch.data()});
    outputs.add(y);
  }

  void attention(int64_t length, int64_t heads, int64_t width,
                 iptq::Exponential exponential,
                 iptq::Normalization normalization) {
    const int64_t channels = heads * width, padded = whole_vectors(length, k);
    const auto qkv = random.noise<int8_t>(length * 3 * channels, 127);
    std::vector<int8_t> context(length * channels);
    std::vector<const int8_t*> tokens(length);
    std::vector<int8_t*> places(length);
    for (int64_t i = 0; i < length; ++i) {
      tokens[i] = qkv.data() + i * 3 * channels;
      places[i] = i % 5 ? context.data() + i * channels : nullptr;
    }
    std::vector<int32_t> bias(length * padded, iptq::outside), regions(padded);
    for (int64_t i = 0; i < length * length; ++i)
      bias[i / length * padded + i % length] =
          static_cast<int32_t>(random.below(1000));
    for (int64_t i = 0; i < length; ++i)
      regions[i] = static_cast<int32_t>(random.below(3));
    const Aligned scratch(k.attention_scratch(length, width));
    iptq::AttentionTask task{};
    task.length = length;
    task.channels = channels;
    task.head_channels = width;
    task.tokens = tokens.data();
    task.outputs = places.data();
    task.bias = bias.data();
    task.bias_stride = padded;
    task.regions = length % 2 ? regions.data() : nullptr;
    task.mask = -1000;
    task.score = {1 << 30, 36};
    task.output = {1 << 30, normalization == iptq::Normalization::fractions
                                ? 37
                                : 44};
    task.bits = 8;
    task.softmax = parameters(exponential, normalization);
    task.scratch = scratch.memory;
    for (task.head = 0; task.head < heads; ++task.head) k.attention(task);
    outputs.add(context);
  }

  // Bins over neighbouring places of a map of a few rows, each of `samples`
  // samples along an axis; the last row of bins has no sample in the map.
  void roi_align(int64_t channels, int32_t size, int32_t samples) {
    const auto map = random.noise<int8_t>(size * size * channels, 128);
    const int32_t bins_y = size + 1, bins_x = size;
    std::vector<int32_t> weights;
    std::vector<iptq::AxisBin> rows(bins_y), columns(bins_x);
    for (int32_t i = 0; i < size; ++i) {
      const auto upper = static_cast<int32_t>(random.below(2049));
      const bool last = i + 1 == size;
      weights.push_back(samples * (last ? 2048 : 2048 - upper));
      if (!last) weights.push_back(samples * upper);
      rows[i] = columns[i] = {i, last ? 1 : 2, nullptr};
    }
    rows[size] = {0, 0, nullptr};
    for (int32_t i = 0; i < size; ++i)
      rows[i].weights = columns[i].weights = weights.data() + 2 * i;
    std::vector<int8_t> y(bins_y * bins_x * channels);
    const Aligned scratch(k.roi_align_scratch(int64_t{bins_y} * bins_x));
    k.roi_align({map.data(), size, channels, 0, size, bins_y, bins_x,
                 rows.data(), columns.data(), samples * samples, y.data(),
                 scratch.memory});
    outputs.add(y);
  }

  static iptq::SoftmaxParameters parameters(
      iptq::Exponential exponential, iptq::Normalization normalization) {
    iptq::SoftmaxParameters result{exponential, normalization, -10000,
                                   {1 << 30, 14}, 8, {}};
    for (int32_t i = 0; i < 65; ++i)
      result.entries[i] = (1 << 24) + (i << 18);
    return result;
  }

  const Kernels& k;
  Random random{1};
  Digest outputs;
};

}  // namespace

int main() {
  for (const Kernels* k : iptq::available_kernels())
    std::printf("%s %016llx\n", k->name,
                static_cast<unsigned long long>(Run(*k).digest()));
}
