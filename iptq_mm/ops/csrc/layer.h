// The weights and scales of a layer in the form of the kernels.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "packed_weights.h"

namespace iptq {

struct Layer {
  std::shared_ptr<const WeightPack> weights;
  std::vector<int32_t> start, m, n;  // whole vectors
};

// Of int8 [N, K], int32 [N], int64 [N], int64 [N]; none where only the
// reference knows an answer.
std::optional<Layer> layer(const at::Tensor& weight, const at::Tensor& bias,
                           const at::Tensor& m, const at::Tensor& n,
                           const Kernels& kernels);

}  // namespace iptq
