// Weights repacked for an instruction set, kept from call to call.
#pragma once

#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "kernels.h"

namespace iptq {

struct WeightPack {
  const LinearKernels* kernels;  // that laid out the data
  at::Tensor data;               // bytes
  std::vector<int32_t> sums;  // of each output channel, whole vectors
  std::vector<int64_t> reach;  // largest |x w| of each output channel
  PackedWeights view;          // of the above
};

// The pack of an int8 weight [N, K]; as one of 4 bits, where they fit, only if
// `small`. It is made again when the tensor has been written to: torch counts
// the writes to a tensor, `.data` excepted.
std::shared_ptr<const WeightPack> packed_weights(const at::Tensor& weight,
                                                 const Kernels& kernels,
                                                 bool small);

}  // namespace iptq
