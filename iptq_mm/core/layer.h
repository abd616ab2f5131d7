// The weights and scales of a layer in the form of the kernels.
#pragma once

#include <memory>
#include <vector>

#include "kernels.h"
#include "runtime/memory.h"

struct iptq_linear {
  const iptq::Kernels* set;
  const iptq::LinearKernels* kernels;  // that laid out the weights
  std::shared_ptr<const iptq::Scratch> data;
  std::vector<int32_t> sums;         // of each output channel
  std::vector<int32_t> start, m, n;  // all four in whole vectors
  bool high;                         // whether all shifts are 32 and more
  iptq::PackedWeights weights;       // of the above
};

// The products of the two halves of 16-bit inputs.
struct iptq_linear_wide {
  std::unique_ptr<iptq_linear> lower, upper;
};
