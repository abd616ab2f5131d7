#include "layer.h"

#include <cstdlib>

namespace iptq {
namespace {

using at::Tensor;

bool is_vector(const Tensor& x, at::ScalarType dtype, int64_t length) {
  return x.dim() == 1 && x.scalar_type() == dtype && x.size(0) == length;
}

// Whether int32 holds the scaled accumulators, and the kernels the shifts that
// take the scale back.
bool fit(const WeightPack& pack, const Tensor& bias, const Tensor& n) {
  const auto biases = bias.accessor<int32_t, 1>();
  const auto ns = n.accessor<int64_t, 1>();
  const int scale = pack.kernels->scale_bits;
  for (int64_t i = 0; i < pack.view.columns; ++i)
    if ((pack.reach[i] + std::abs(int64_t{biases[i]})) >> (31 - scale) ||
        ns[i] > 62 - scale)
      return false;
  return true;
}

}  // namespace

std::optional<Layer> layer(const Tensor& weight, const Tensor& bias,
                           const Tensor& m, const Tensor& n,
                           const Kernels& kernels) {
  if (weight.scalar_type() != at::kChar || weight.dim() != 2 ||
      weight.numel() == 0)
    return {};
  const int64_t columns = weight.size(0);
  if (!is_vector(bias, at::kInt, columns) ||
      !is_vector(m, at::kLong, columns) || !is_vector(n, at::kLong, columns))
    return {};

  Layer layer{packed_weights(weight, kernels, true), {}, {}, {}};
  if (layer.weights->kernels->scale_bits && !fit(*layer.weights, bias, n))
    layer.weights = packed_weights(weight, kernels, false);
  const WeightPack& pack = *layer.weights;
  const int64_t padded = columns + kernels.lanes;
  for (auto* array : {&layer.start, &layer.m, &layer.n})
    array->resize(padded);
  const auto biases = bias.accessor<int32_t, 1>();
  const auto ms = m.accessor<int64_t, 1>(), ns = n.accessor<int64_t, 1>();
  for (int64_t i = 0; i < columns; ++i) {
    // |acc| < 2^n and m < 2^31 keep acc m 2^-n inside int32.
    const int64_t reach = pack.reach[i] + std::abs(int64_t{biases[i]});
    if (ns[i] < 0 || ns[i] > 62 || std::abs(ms[i]) >= int64_t{1} << 31 ||
        (ns[i] < 31 && reach >= int64_t{1} << ns[i]))
      return {};
    // Wraps around like the accumulator it is the start of.
    layer.start[i] = static_cast<int32_t>(
        static_cast<uint32_t>(biases[i]) -
        static_cast<uint32_t>(pack.kernels->signed_offset) *
            static_cast<uint32_t>(pack.sums[i]));
    layer.m[i] = static_cast<int32_t>(ms[i]);
    layer.n[i] = static_cast<int32_t>(ns[i]);
  }
  return layer;
}

}  // namespace iptq
