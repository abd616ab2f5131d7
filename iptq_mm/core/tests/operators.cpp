// The C interface: every operator on every instruction set and number of
// threads gives the same integers, those of plain loops where they are short.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "../include/iptq.h"

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s (%s)\n", what, iptq_last_error());
  std::exit(1);
}

#define REQUIRE(holds) require(holds, #holds)

// The same numbers with every C library.
class Random {
 public:
  template <class T>
  std::vector<T> draw(int64_t count, int64_t limit) {
    std::vector<T> values(count);
    for (T& value : values)
      value = static_cast<T>(next() % (2 * limit + 1) - limit);
    return values;
  }

 private:
  int64_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int64_t>(state_ >> 33);
  }

  uint64_t state_ = 1;
};

struct Weights {
  int64_t outputs, inputs;
  std::vector<int8_t> weight;
  std::vector<int32_t> bias;
  std::vector<int64_t> m, n;

  Weights(Random& random, int64_t outputs, int64_t inputs, int64_t limit)
      : outputs(outputs), inputs(inputs),
        weight(random.draw<int8_t>(outputs * inputs, limit)),
        bias(random.draw<int32_t>(outputs, 1 << 16)),
        m(outputs, (int64_t{1} << 30) + 12345), n(outputs, 44) {}

  iptq_linear* create() const {
    iptq_linear* layer = nullptr;
    REQUIRE(iptq_linear_create(outputs, inputs, weight.data(), bias.data(),
                               m.data(), n.data(), &layer) == IPTQ_OK);
    return layer;
  }

  int64_t scaled(const int8_t* x, int64_t output) const {
    int64_t sum = bias[output];
    for (int64_t k = 0; k < inputs; ++k)
      sum += int64_t{x[k]} * weight[output * inputs + k];
    return (sum * m[output] + (int64_t{1} << (n[output] - 1))) >> n[output];
  }
};

int64_t saturated(int64_t x, int bits) {
  const int64_t limit = (int64_t{1} << (bits - 1)) - 1;
  return std::clamp(x, -limit, limit);
}

// What an operator gives, run by an executor.
using Bytes = std::vector<uint8_t>;
using Operator = std::function<Bytes(const iptq_executor*)>;

// Calls it on every instruction set, by one thread and by several.
Bytes everywhere(const char* name, const Operator& run) {
  const std::string best = iptq_isa();
  Bytes first;
  for (int i = 0; i < iptq_isa_count(); ++i) {
    REQUIRE(iptq_set_isa(iptq_isa_name(i)) == IPTQ_OK);
    for (const int threads : {0, 1, 2, 3}) {
      const Bytes found = run(threads ? iptq_pool(threads) : nullptr);
      if (first.empty()) first = found;
      require(found == first, name);
    }
  }
  REQUIRE(iptq_set_isa(best.c_str()) == IPTQ_OK);
  return first;
}

template <class T>
Bytes bytes(const std::vector<T>& values) {
  const auto* first = reinterpret_cast<const uint8_t*>(values.data());
  return Bytes(first, first + values.size() * sizeof(T));
}

constexpr int64_t rows = 150;

void test_linear(Random& random, int64_t limit) {
  const Weights weights(random, 70, 45, limit);
  const auto x = random.draw<int8_t>(rows * weights.inputs, 127);
  const auto stream = random.draw<int16_t>(rows * weights.outputs, 32767);
  std::vector<int16_t> expected, sums;
  for (int64_t i = 0; i < rows * weights.outputs; ++i) {
    const int64_t y = weights.scaled(
        x.data() + i / weights.outputs * weights.inputs, i % weights.outputs);
    expected.push_back(static_cast<int16_t>(saturated(y, 12)));
    sums.push_back(static_cast<int16_t>(saturated(y + stream[i], 16)));
  }
  REQUIRE(everywhere("linear", [&](const iptq_executor* executor) {
            iptq_linear* layer = weights.create();
            std::vector<int16_t> y(rows * weights.outputs);
            REQUIRE(iptq_linear_run(layer, executor, x.data(), rows, 12,
                                    y.data()) == IPTQ_OK);
            iptq_linear_destroy(layer);
            return bytes(y);
          }) == bytes(expected));
  REQUIRE(everywhere("linear_add", [&](const iptq_executor* executor) {
            iptq_linear* layer = weights.create();
            std::vector<int16_t> y(rows * weights.outputs);
            REQUIRE(iptq_linear_add(layer, executor, x.data(), rows,
                                    stream.data(), y.data()) == IPTQ_OK);
            iptq_linear_destroy(layer);
            return bytes(y);
          }) == bytes(sums));
}

void test_linear_wide(Random& random, int64_t limit) {
  const Weights weights(random, 70, 45, limit);
  const auto x = random.draw<int16_t>(rows * weights.inputs, 32767);
  std::vector<int8_t> high, low;
  for (const int16_t code : x) {
    high.push_back(static_cast<int8_t>(code >> 8));
    low.push_back(static_cast<int8_t>((code & 255) - 128));
  }
  Weights upper = weights;
  upper.bias.assign(weights.outputs, 0);
  upper.n.assign(weights.outputs, weights.n[0] - 8);
  std::vector<int16_t> expected;
  for (int64_t i = 0; i < rows * weights.outputs; ++i) {
    const int64_t row = i / weights.outputs * weights.inputs;
    const int64_t output = i % weights.outputs;
    expected.push_back(static_cast<int16_t>(saturated(
        saturated(weights.scaled(low.data() + row, output), 16) +
            upper.scaled(high.data() + row, output), 16)));
  }
  REQUIRE(everywhere("linear_wide", [&](const iptq_executor* executor) {
            iptq_linear_wide* layer = nullptr;
            REQUIRE(iptq_linear_wide_create(
                        weights.outputs, weights.inputs, weights.weight.data(),
                        weights.bias.data(), weights.m.data(),
                        weights.n.data(), &layer) == IPTQ_OK);
            std::vector<int16_t> y(rows * weights.outputs);
            REQUIRE(iptq_linear_wide_run(layer, executor, x.data(), rows,
                                         y.data()) == IPTQ_OK);
            iptq_linear_wide_destroy(layer);
            return bytes(y);
          }) == bytes(expected));
}

void test_linear_gelu(Random& random) {
  const Weights weights(random, 40, 30, 127);
  const auto x = random.draw<int8_t>(rows * weights.inputs, 127);
  const int64_t ends[] = {25, 40};
  std::vector<int64_t> params;  // the table q -> |q| / 4, less 5 or 9
  for (const int64_t zero : {-5, -9}) {
    params.push_back(zero);
    for (int64_t q = -512; q < 512; ++q) params.push_back(std::abs(q) / 4);
  }
  std::vector<int8_t> expected;
  for (int64_t i = 0; i < rows * weights.outputs; ++i) {
    const int64_t q = saturated(
        weights.scaled(x.data() + i / weights.outputs * weights.inputs,
                       i % weights.outputs), 10);
    expected.push_back(static_cast<int8_t>(saturated(
        std::abs(q) / 4 - (i % weights.outputs < ends[0] ? 5 : 9), 8)));
  }
  REQUIRE(everywhere("linear_gelu", [&](const iptq_executor* executor) {
            iptq_linear* layer = weights.create();
            iptq_gelu* gelu = nullptr;
            REQUIRE(iptq_gelu_create("table_gelu", 2, ends, 1025,
                                     params.data(), 10, 8, &gelu) == IPTQ_OK);
            std::vector<int8_t> y(rows * weights.outputs);
            REQUIRE(iptq_linear_gelu(layer, gelu, executor, x.data(), rows,
                                     y.data()) == IPTQ_OK);
            iptq_gelu_destroy(gelu);
            iptq_linear_destroy(layer);
            return bytes(y);
          }) == bytes(expected));
}

void test_conv2d(Random& random) {
  const int64_t kernel = 3, channels = 5, height = 14, width = 11;
  const Weights weights(random, 9, kernel * kernel * channels, 127);
  const auto x = random.draw<int8_t>(2 * height * width * channels, 127);
  const int64_t sizes[] = {2, height, width, channels};
  const int64_t steps[] = {height * width * channels, width * channels,
                           channels, 1};
  const int64_t down = (height + 1) / 2, across = (width + 1) / 2;
  std::vector<int8_t> expected;
  for (int64_t i = 0; i < 2 * down * across; ++i) {
    std::vector<int8_t> near;
    for (int64_t k = 0; k < kernel * kernel; ++k) {
      const int64_t row = i / across % down * 2 + k / kernel - 1;
      const int64_t column = i % across * 2 + k % kernel - 1;
      const bool inside =
          row >= 0 && row < height && column >= 0 && column < width;
      for (int64_t c = 0; c < channels; ++c)
        near.push_back(
            inside ? x[((i / across / down * height + row) * width + column) *
                           channels + c]
                   : 0);
    }
    for (int64_t o = 0; o < weights.outputs; ++o)
      expected.push_back(static_cast<int8_t>(std::max<int64_t>(
          saturated(weights.scaled(near.data(), o), 8), 0)));
  }
  REQUIRE(everywhere("conv2d", [&](const iptq_executor* executor) {
            iptq_linear* layer = weights.create();
            std::vector<int8_t> y(expected.size());
            REQUIRE(iptq_conv2d(layer, executor, x.data(), sizes, steps,
                                kernel, 2, 1, 1, 8, y.data()) == IPTQ_OK);
            iptq_linear_destroy(layer);
            return bytes(y);
          }) == bytes(expected));
}

// Parameters of i_layernorm, and of ptf_layernorm.
std::vector<int64_t> norm_params(int64_t channels, bool recodes) {
  std::vector<int64_t> params;
  const auto row = [&](int64_t value) {
    params.insert(params.end(), channels, value);
  };
  if (recodes)
    for (const int64_t value : {int64_t{1} << 30, int64_t{38}, int64_t{2}})
      row(value);
  for (const int64_t value : {int64_t{10}, int64_t{12}, int64_t{40},
                              int64_t{1} << 20, int64_t{1} << 38})
    row(value);
  return params;
}

void test_layer_norm(Random& random) {
  const int64_t channels = 72;
  const auto x = random.draw<int16_t>(rows * channels, 30000);
  for (const bool recodes : {false, true}) {
    const auto params = norm_params(channels, recodes);
    const auto create = [&] {
      iptq_layer_norm* norm = nullptr;
      REQUIRE(iptq_layer_norm_create(
                  recodes ? "ptf_layernorm" : "i_layernorm", recodes ? 8 : 5,
                  channels, params.data(), 8, &norm) == IPTQ_OK);
      return norm;
    };
    const Bytes whole =
        everywhere("layer_norm", [&](const iptq_executor* executor) {
          iptq_layer_norm* norm = create();
          std::vector<int8_t> y(rows * channels);
          REQUIRE(iptq_layer_norm_run(norm, executor, x.data(), rows,
                                      y.data()) == IPTQ_OK);
          iptq_layer_norm_destroy(norm);
          return bytes(y);
        });
    REQUIRE(std::any_of(whole.begin(), whole.end(),
                        [](uint8_t y) { return y != 0; }));
    everywhere("merge_layer_norm", [&](const iptq_executor* executor) {
      iptq_layer_norm* norm = create();
      const int64_t sizes[] = {2, 9, 7};
      std::vector<int8_t> y(2 * 5 * 4 * channels);
      REQUIRE(iptq_merge_layer_norm(norm, executor, x.data(), sizes, 2,
                                    y.data()) == IPTQ_OK);
      iptq_layer_norm_destroy(norm);
      return bytes(y);
    });
  }
}

void test_attention(Random& random) {
  const int64_t channels = 24, heads = 3, window = 5;
  const int64_t sizes[] = {2, 12, 9};
  const auto qkv =
      random.draw<int8_t>(sizes[0] * sizes[1] * sizes[2] * 3 * channels, 127);
  const auto pad = random.draw<int8_t>(3 * channels, 127);
  const auto table =
      random.draw<int16_t>((2 * window - 1) * (2 * window - 1) * heads, 3000);
  std::vector<int64_t> score, output;
  for (int64_t head = 0; head < heads; ++head) {
    score.insert(score.end(), {(int64_t{1} << 30) + head, 33});
    output.insert(output.end(), {(int64_t{1} << 30) + head, 38});
  }
  const int64_t params[] = {-50000, int64_t{1} << 30, 20, 8};
  for (const char* softmax : {"bit_softmax", "shiftmax", "i_softmax"}) {
    const auto create = [&] {
      iptq_attention* attention = nullptr;
      REQUIRE(iptq_attention_create(channels, heads, score.data(), softmax, 4,
                                    params, output.data(), 8,
                                    &attention) == IPTQ_OK);
      return attention;
    };
    everywhere("attention", [&](const iptq_executor* executor) {
      iptq_attention* attention = create();
      std::vector<int8_t> y(sizes[0] * sizes[1] * sizes[2] * channels);
      REQUIRE(iptq_attention_run(attention, executor, qkv.data(), sizes[0],
                                 sizes[1] * sizes[2], y.data()) == IPTQ_OK);
      iptq_attention_destroy(attention);
      return bytes(y);
    });
    everywhere("window_attention", [&](const iptq_executor* executor) {
      iptq_attention* attention = create();
      std::vector<int8_t> y(sizes[0] * sizes[1] * sizes[2] * channels);
      REQUIRE(iptq_window_attention(attention, executor, qkv.data(), sizes,
                                    pad.data(), window, 2, table.data(),
                                    -6400, y.data()) == IPTQ_OK);
      iptq_attention_destroy(attention);
      return bytes(y);
    });
  }
  const auto scores = random.draw<int32_t>(rows * 40, 1 << 20);
  everywhere("softmax", [&](const iptq_executor* executor) {
    std::vector<int32_t> y(scores.size());
    REQUIRE(iptq_softmax("i_softmax", 4, params, executor, scores.data(),
                         rows, 40, y.data()) == IPTQ_OK);
    return bytes(y);
  });
}

// The layers of a block, which can be called one by one.
struct Block {
  iptq_linear *qkv, *proj, *fc1, *fc2;
  iptq_layer_norm* norm = nullptr;
  iptq_attention* attention = nullptr;
  iptq_gelu* gelu = nullptr;

  static constexpr int64_t channels = 24, hidden = 40;

  explicit Block(Random random)
      : qkv(Weights(random, 3 * channels, channels, 20).create()),
        proj(Weights(random, channels, channels, 127).create()),
        fc1(Weights(random, hidden, channels, 20).create()),
        fc2(Weights(random, channels, hidden, 7).create()) {
    const auto params = norm_params(channels, false);
    REQUIRE(iptq_layer_norm_create("i_layernorm", 5, channels, params.data(),
                                   8, &norm) == IPTQ_OK);
    const int64_t score[] = {1 << 30, 33, 1 << 30, 34};
    const int64_t output[] = {1 << 30, 38, 1 << 30, 39};
    const int64_t softmax[] = {-50000, int64_t{1} << 30, 20, 8};
    REQUIRE(iptq_attention_create(channels, 2, score, "bit_softmax", 4,
                                  softmax, output, 8, &attention) == IPTQ_OK);
    std::vector<int64_t> table{-5};
    for (int64_t q = -512; q < 512; ++q) table.push_back(std::abs(q) / 8);
    const int64_t end = hidden;
    REQUIRE(iptq_gelu_create("table_gelu", 1, &end, 1025, table.data(), 10, 8,
                             &gelu) == IPTQ_OK);
  }

  ~Block() {
    for (iptq_linear* layer : {qkv, proj, fc1, fc2})
      iptq_linear_destroy(layer);
    iptq_layer_norm_destroy(norm);
    iptq_attention_destroy(attention);
    iptq_gelu_destroy(gelu);
  }

  iptq_block layers() const {
    return {norm, qkv, attention, proj, norm, fc1, gelu, fc2};
  }

  template <class Attend>
  std::vector<int16_t> one_by_one(const iptq_executor* executor,
                                  const std::vector<int16_t>& x,
                                  const Attend& attend) const {
    const auto count = static_cast<int64_t>(x.size()) / channels;
    std::vector<int8_t> narrow(x.size()), wide(3 * x.size());
    std::vector<int8_t> inner(count * hidden);
    std::vector<int16_t> middle(x.size()), y(x.size());
    REQUIRE(!iptq_layer_norm_run(norm, executor, x.data(), count,
                                 narrow.data()));
    REQUIRE(!iptq_linear_run(qkv, executor, narrow.data(), count, 8,
                             wide.data()));
    REQUIRE(!attend(wide.data(), narrow.data()));
    REQUIRE(!iptq_linear_add(proj, executor, narrow.data(), count, x.data(),
                             middle.data()));
    REQUIRE(!iptq_layer_norm_run(norm, executor, middle.data(), count,
                                 narrow.data()));
    REQUIRE(!iptq_linear_gelu(fc1, gelu, executor, narrow.data(), count,
                              inner.data()));
    REQUIRE(!iptq_linear_add(fc2, executor, inner.data(), count,
                             middle.data(), y.data()));
    return y;
  }
};

void test_block(Random& random) {
  const int64_t sizes[] = {2, 9, 7}, window = 4, shift = 1;
  const int64_t length = sizes[1] * sizes[2];
  const auto x =
      random.draw<int16_t>(sizes[0] * length * Block::channels, 30000);
  const auto pad = random.draw<int8_t>(3 * Block::channels, 127);
  const auto table =
      random.draw<int16_t>((2 * window - 1) * (2 * window - 1) * 2, 3000);
  everywhere("block", [&](const iptq_executor* executor) {
    const Block block(random);
    const iptq_block layers = block.layers();
    std::vector<int16_t> y(x.size());
    REQUIRE(iptq_block_run(&layers, 8, executor, x.data(), sizes[0], length,
                           y.data()) == IPTQ_OK);
    REQUIRE(y == block.one_by_one(executor, x, [&](auto* qkv, auto* context) {
      return iptq_attention_run(block.attention, executor, qkv, sizes[0],
                                length, context);
    }));
    return bytes(y);
  });
  everywhere("window_block", [&](const iptq_executor* executor) {
    const Block block(random);
    const iptq_block layers = block.layers();
    std::vector<int16_t> y(x.size());
    REQUIRE(iptq_window_block_run(&layers, 8, executor, x.data(), sizes,
                                  pad.data(), window, shift, table.data(),
                                  -6400, y.data()) == IPTQ_OK);
    REQUIRE(y == block.one_by_one(executor, x, [&](auto* qkv, auto* context) {
      return iptq_window_attention(block.attention, executor, qkv, sizes,
                                   pad.data(), window, shift, table.data(),
                                   -6400, context);
    }));
    return bytes(y);
  });
  const Block block(random);
  iptq_block mixed = block.layers();
  mixed.fc2 = mixed.fc1;
  std::vector<int16_t> y(x.size());
  REQUIRE(iptq_block_run(&mixed, 8, nullptr, x.data(), sizes[0], length,
                         y.data()) == IPTQ_INVALID);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // More than any machine can address; a sanitizer would end the program.
  const iptq_block layers = block.layers();
  REQUIRE(iptq_block_run(&layers, 8, nullptr, x.data(), int64_t{1} << 58, 1,
                         y.data()) == IPTQ_NO_MEMORY);
  REQUIRE(std::strlen(iptq_last_error()) > 0);
#endif
}

void test_elementwise(Random& random) {
  const int64_t channels = 33;
  const auto x = random.draw<int16_t>(rows * channels, 32767);
  const std::vector<int64_t> m(channels, 3 << 20), n(channels, 24);
  std::vector<int8_t> expected;
  std::vector<int16_t> sums;
  for (int64_t i = 0; i < rows * channels; ++i) {
    expected.push_back(static_cast<int8_t>(
        saturated((x[i] * m[0] + (1 << 23)) >> 24, 8)));
    sums.push_back(static_cast<int16_t>(
        saturated(int64_t{x[i]} + x[i % channels], 16)));
  }
  for (const int64_t ratios : {int64_t{1}, channels})
    REQUIRE(everywhere("requantize", [&](const iptq_executor* executor) {
              std::vector<int8_t> y(x.size());
              REQUIRE(iptq_requantize(executor, x.data(), 2, rows, channels,
                                      m.data(), n.data(), ratios, 8,
                                      y.data()) == IPTQ_OK);
              return bytes(y);
            }) == bytes(expected));
  REQUIRE(everywhere("add", [&](const iptq_executor* executor) {
            std::vector<int16_t> y(x.size());
            REQUIRE(iptq_add(executor, x.data(), x.data(), rows, channels,
                             y.data()) == IPTQ_OK);
            return bytes(y);
          }) == bytes(sums));
}

void test_boxes(Random& random) {
  const int64_t count = 60, height = 20, width = 30, channels = 7;
  std::vector<int32_t> boxes;
  for (int64_t i = 0; i < count; ++i) {
    const auto at = random.draw<int32_t>(4, 1000);
    boxes.insert(boxes.end(),
                 {at[0] + 1000, at[1] + 1000, at[0] + 1001 + (at[2] + 1000),
                  at[1] + 1001 + (at[3] + 1000)});
  }
  const auto map = random.draw<int8_t>(height * width * channels, 127);
  const int8_t* maps[] = {map.data()};
  const int64_t sizes[] = {1, height, width}, strides[] = {4};
  const std::vector<int64_t> none(count);
  everywhere("roi_align", [&](const iptq_executor* executor) {
    std::vector<int8_t> y(count * 7 * 7 * channels);
    REQUIRE(iptq_roi_align(executor, 1, maps, sizes, strides, channels,
                           boxes.data(), count, none.data(), none.data(), 7,
                           7, 2, y.data()) == IPTQ_OK);
    return bytes(y);
  });
  const auto scores = random.draw<int64_t>(count, 100);
  std::vector<int64_t> places(count), ranks(count);
  int64_t kept = 0;
  REQUIRE(iptq_nms(boxes.data(), count, scores.data(), none.data(), 1 << 13,
                   1 << 14, places.data(), &kept) == IPTQ_OK);
  REQUIRE(kept > 0 && kept <= count);
  REQUIRE(iptq_rank(scores.data(), 8, count, count, ranks.data()) == IPTQ_OK);
  REQUIRE(ranks[0] == places[0]);  // the best one always stays
  const auto cells = random.draw<int16_t>(count * 28 * 28, 16384);
  everywhere("paste_masks", [&](const iptq_executor* executor) {
    Bytes masks(count * 12 * 14);
    REQUIRE(iptq_paste_masks(executor, cells.data(), count, 28, 28,
                             boxes.data(), 12, 14, 8192, masks.data()) ==
            IPTQ_OK);
    return masks;
  });
}

void test_refusals(Random& random) {
  Weights weights(random, 3, 4, 127);
  iptq_linear* layer = nullptr;
  const auto create = [&](int64_t outputs) {
    return iptq_linear_create(outputs, 4, weights.weight.data(),
                              weights.bias.data(), weights.m.data(),
                              weights.n.data(), &layer);
  };
  REQUIRE(create(0) == IPTQ_INVALID);
  weights.n[1] = 63;
  REQUIRE(create(3) == IPTQ_UNSUPPORTED);
  REQUIRE(std::strlen(iptq_last_error()) > 0);
  weights.n[1] = 44;
  REQUIRE(create(3) == IPTQ_OK);
  int8_t y[3];
  const int8_t x[4] = {1, 2, 3, 4};
  REQUIRE(iptq_linear_run(layer, nullptr, x, 1, 99, y) == IPTQ_UNSUPPORTED);
  REQUIRE(iptq_linear_run(layer, nullptr, x, 0, 8, nullptr) == IPTQ_OK);
  iptq_linear_destroy(layer);
  iptq_gelu* gelu = nullptr;
  const int64_t end = 3, params[7] = {};
  REQUIRE(iptq_gelu_create("relu", 1, &end, 7, params, 8, 8, &gelu) ==
          IPTQ_UNSUPPORTED);
  REQUIRE(iptq_gelu_create("i_gelu", 1, &end, 6, params, 8, 8, &gelu) ==
          IPTQ_INVALID);
  iptq_attention* attention = nullptr;
  REQUIRE(iptq_attention_create(7, 2, params, "i_softmax", 4, params, params,
                                8, &attention) == IPTQ_INVALID);
  REQUIRE(iptq_set_isa("abacus") == IPTQ_INVALID);
  REQUIRE(!iptq_isa_name(99) && !iptq_isa_name(-1));
}

// Several threads with one layer, each by way of the same pool; and a child.
void test_at_once(Random& random) {
  const Weights weights(random, 64, 64, 127);
  const auto x = random.draw<int8_t>(rows * 64, 127);
  iptq_linear* layer = weights.create();
  const auto run = [&] {
    std::vector<int16_t> y(rows * 64);
    REQUIRE(iptq_linear_run(layer, iptq_pool(3), x.data(), rows, 16,
                            y.data()) == IPTQ_OK);
    return y;
  };
  const auto expected = run();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) REQUIRE(run() == expected);
    });
  for (std::thread& thread : threads) thread.join();
#if !defined(__SANITIZE_THREAD__)  // which has threads of its own in a child
  for (int i = 0; i < 3; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(run() == expected ? 0 : 1);
    int status = 1;
    REQUIRE(waitpid(child, &status, 0) == child && status == 0);
  }
#endif
  REQUIRE(run() == expected);
  iptq_linear_destroy(layer);
}

void test_borders(Random& random) {
  const int64_t m = (int64_t{1} << 30) + 12345, n = 36, count = 5 * 7 * 19;
  const float scale = static_cast<float>(std::ldexp(double(m), -int(n)));
  std::vector<float> x;
  for (const int32_t value : random.draw<int32_t>(count, 1 << 18))
    x.push_back(static_cast<float>(value) * 1e-5f);
  x[0] = INFINITY, x[1] = -INFINITY, x[2] = NAN, x[3] = scale / 2;
  const float factor =
      static_cast<float>(1 / std::ldexp(double(m), -int(n)));
  std::vector<int8_t> codes;
  for (const float value : x) {
    const float code = std::floor(value * factor + .5f);
    codes.push_back(std::isnan(code) ? 0
                                     : static_cast<int8_t>(std::clamp(
                                           code, -31.f, 31.f)));
  }
  REQUIRE(everywhere("quantize", [&](const iptq_executor* executor) {
            std::vector<int8_t> y(count);
            REQUIRE(iptq_quantize(executor, x.data(), count, &m, &n, 6,
                                  y.data()) == IPTQ_OK);
            return bytes(y);
          }) == bytes(codes));
  const auto q = random.draw<int16_t>(count, 32767);
  std::vector<float> plain, maps(count);
  for (const int16_t value : q)
    plain.push_back(static_cast<float>(value) * scale);
  for (int64_t image = 0; image < 5; ++image)
    for (int64_t at = 0; at < 7; ++at)
      for (int64_t c = 0; c < 19; ++c)
        maps[(image * 19 + c) * 7 + at] = plain[(image * 7 + at) * 19 + c];
  REQUIRE(everywhere("dequantize", [&](const iptq_executor* executor) {
            std::vector<float> y(count);
            REQUIRE(iptq_dequantize(executor, q.data(), 2, count, &m, &n,
                                    y.data()) == IPTQ_OK);
            return bytes(y);
          }) == bytes(plain));
  REQUIRE(everywhere("dequantize_maps", [&](const iptq_executor* executor) {
            std::vector<float> y(count);
            REQUIRE(iptq_dequantize_maps(executor, q.data(), 2, 5, 7, 19, &m,
                                         &n, y.data()) == IPTQ_OK);
            return bytes(y);
          }) == bytes(maps));
  const int64_t none = 0;
  REQUIRE(iptq_quantize(nullptr, x.data(), count, &none, &n, 8,
                        codes.data()) == IPTQ_UNSUPPORTED);
}

int64_t word(const void* address) {
  return static_cast<int64_t>(reinterpret_cast<intptr_t>(address));
}

// Tokens [2, 5, 6] without the first, summed: a copy, then a sum.
void test_recording(Random& random) {
  const auto x = random.draw<int16_t>(60, 32767);
  const int64_t sizes[] = {2, 4, 6}, steps[] = {30, 6, 1},
                dense[] = {24, 6, 1};
  const int64_t copied[] = {2, 3,  word(sizes), 6 * 2, word(steps),
                            0, word(dense)};
  const int copied_from[] = {-1, -1, -1, 0, -1, 1, -1};
  const int64_t summed[] = {0, word(sizes), word(dense), 0};
  const int summed_from[] = {1, -1, -1, 2};
  const iptq_call calls[] = {{"iptq_copy", 7, copied, copied_from},
                             {"iptq_sum_tokens", 4, summed, summed_from}};
  iptq_recording* recording = nullptr;
  REQUIRE(iptq_recording_create(2, calls, 3, &recording) == IPTQ_OK);
  for (int i = 0; i < 2; ++i) {
    std::vector<int16_t> from = x, scratch(48);
    if (i) std::reverse(from.begin(), from.end());
    std::vector<int32_t> y(12), expected(12);
    for (int64_t image = 0; image < 2; ++image)
      for (int64_t token = 1; token < 5; ++token)
        for (int64_t c = 0; c < 6; ++c)
          expected[image * 6 + c] += from[(image * 5 + token) * 6 + c];
    void* bases[] = {from.data(), scratch.data(), y.data()};
    REQUIRE(iptq_recording_play(recording, bases) == IPTQ_OK);
    REQUIRE(y == expected);
  }
  iptq_recording_destroy(recording);
  const auto refused = [&](iptq_call call, iptq_status status) {
    REQUIRE(iptq_recording_create(1, &call, 2, &recording) == status);
  };
  refused({"iptq_copy", 6, copied, copied_from}, IPTQ_INVALID);
  refused({"iptq_sum_tokens", 4, summed, summed_from}, IPTQ_INVALID);
  refused({"iptq_nms", 8, copied, copied_from}, IPTQ_UNSUPPORTED);
}

// An OpenMP of one thread, of two, and of fewer than were asked for.
int openmp_threads = 1;
thread_local int openmp_number = 0;

void fake_parallel(void (*body)(void*), void* data, unsigned, unsigned) {
  std::vector<std::thread> threads;
  for (int i = 1; i < openmp_threads; ++i)
    threads.emplace_back([=] {
      openmp_number = i;
      body(data);
    });
  openmp_number = 0;
  body(data);
  for (std::thread& thread : threads) thread.join();
}

void test_openmp(Random& random) {
  const Weights weights(random, 64, 64, 127);
  const auto x = random.draw<int8_t>(rows * 64, 127);
  iptq_linear* layer = weights.create();
  const iptq_openmp openmp{fake_parallel, [] { return openmp_number; },
                           [] { return openmp_threads; }};
  const auto run = [&](const iptq_executor* executor) {
    std::vector<int16_t> y(rows * 64);
    REQUIRE(iptq_linear_run(layer, executor, x.data(), rows, 16, y.data()) ==
            IPTQ_OK);
    return y;
  };
  const auto expected = run(nullptr);
  for (openmp_threads = 1; openmp_threads <= 3; ++openmp_threads)
    REQUIRE(run(iptq_openmp_threads(&openmp, 3)) == expected);
#if !defined(__SANITIZE_THREAD__)
  const pid_t child = fork();
  if (child == 0) {
    openmp_threads = 0;  // whoever called it would divide by it
    _exit(run(iptq_openmp_threads(&openmp, 3)) == expected ? 0 : 1);
  }
  int status = 1;
  REQUIRE(waitpid(child, &status, 0) == child && status == 0);
#endif
  iptq_linear_destroy(layer);
}

}  // namespace

int main() {
  REQUIRE(iptq_interface() == IPTQ_INTERFACE);
  Random random;
  for (const int64_t limit : {127, 7}) {
    test_linear(random, limit);
    test_linear_wide(random, limit);
  }
  test_linear_gelu(random);
  test_conv2d(random);
  test_layer_norm(random);
  test_attention(random);
  test_block(random);
  test_elementwise(random);
  test_borders(random);
  test_recording(random);
  test_boxes(random);
  test_refusals(random);
  test_at_once(random);
  test_openmp(random);
  std::printf("ok: %s\n", iptq_isa());
}
