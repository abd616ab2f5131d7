#include "layer.h"

#include <algorithm>
#include <cstdlib>

#include "runtime/dispatch.h"
#include "runtime/status.h"

namespace iptq {
namespace {

// What is to be packed.
struct Source {
  int64_t columns, inner;
  const int8_t* weight;  // [columns, inner]
  const int32_t* bias;
  const int64_t *m, *n;

  bool has_narrow_weights() const {
    return std::all_of(weight, weight + columns * inner, [](int8_t code) {
      return least_narrow_weight <= code && code <= largest_narrow_weight;
    });
  }

  bool has_high_shifts() const {
    return std::all_of(n, n + columns, [](int64_t n) { return n >= 32; });
  }

  // Largest |x w + bias| of each output channel.
  std::vector<int64_t> reach() const {
    std::vector<int64_t> reach(columns);
    for (int64_t c = 0; c < columns; ++c) {
      reach[c] = std::abs(int64_t{bias[c]});
      for (int64_t k = 0; k < inner; ++k)
        reach[c] += 128 * std::abs(int64_t{weight[c * inner + k]});
    }
    return reach;
  }
};

void pack(const Source& source, iptq_linear& layer) {
  const int64_t padded = source.columns + layer.set->lanes;
  const auto data = std::make_shared<const Scratch>(
      layer.kernels->packed_bytes(source.inner, source.columns));
  layer.data = data;
  layer.sums.resize(padded);
  layer.kernels->pack(source.weight, source.inner, source.columns,
                      data->get(), layer.sums.data());
  layer.weights = {source.inner, source.columns, data->get(),
                   layer.sums.data()};
  layer.start.resize(padded);
  layer.m.resize(padded);
  layer.n.resize(padded, 32);  // a shift of the kernels, like the others
  layer.high = source.has_high_shifts();
  for (int64_t c = 0; c < source.columns; ++c) {
    // Wraps around like the accumulator it is the start of.
    layer.start[c] = static_cast<int32_t>(
        static_cast<uint32_t>(source.bias[c]) -
        static_cast<uint32_t>(layer.kernels->signed_offset) *
            static_cast<uint32_t>(layer.sums[c]));
    layer.m[c] = static_cast<int32_t>(source.m[c]);
    layer.n[c] = static_cast<int32_t>(source.n[c]);
  }
}

std::unique_ptr<iptq_linear> made(const Source& source) {
  valid(source.columns > 0 && source.inner > 0, "a layer has no weights");
  const auto reach = source.reach();
  for (int64_t c = 0; c < source.columns; ++c) {
    const int64_t m = source.m[c], n = source.n[c];
    // |acc| < 2^n and m < 2^31 keep acc m 2^-n inside int32.
    supported(n >= 0 && n <= 62 && std::abs(m) < int64_t{1} << 31 &&
                  (n >= 31 || reach[c] < int64_t{1} << n),
              "a layer's multipliers take its products out of int32");
  }
  auto layer = std::make_unique<iptq_linear>();
  layer->set = &kernels();
  layer->kernels = source.has_narrow_weights() ? &layer->set->narrow_linear
                                               : &layer->set->linear;
  pack(source, *layer);
  return layer;
}

std::unique_ptr<iptq_linear_wide> made_wide(const Source& source) {
  const std::vector<int32_t> no_bias(source.columns);
  std::vector<int64_t> n(source.n, source.n + source.columns);
  for (int64_t& shift : n) shift -= 8;
  auto lower = made(source);
  auto upper = made({source.columns, source.inner, source.weight,
                     no_bias.data(), source.m, n.data()});
  if (upper->kernels == lower->kernels) {  // one packing for both
    upper->data = lower->data;
    upper->weights = lower->weights;
  }
  return std::unique_ptr<iptq_linear_wide>(
      new iptq_linear_wide{std::move(lower), std::move(upper)});
}

}  // namespace
}  // namespace iptq

iptq_status iptq_linear_create(int64_t outputs, int64_t inputs,
                               const int8_t* weight, const int32_t* bias,
                               const int64_t* m, const int64_t* n,
                               iptq_linear** layer) {
  return iptq::guarded([&] {
    *layer = iptq::made({outputs, inputs, weight, bias, m, n}).release();
  });
}

void iptq_linear_destroy(iptq_linear* layer) { delete layer; }

iptq_status iptq_linear_wide_create(int64_t outputs, int64_t inputs,
                                    const int8_t* weight, const int32_t* bias,
                                    const int64_t* m, const int64_t* n,
                                    iptq_linear_wide** layer) {
  return iptq::guarded([&] {
    *layer = iptq::made_wide({outputs, inputs, weight, bias, m, n}).release();
  });
}

void iptq_linear_wide_destroy(iptq_linear_wide* layer) { delete layer; }
