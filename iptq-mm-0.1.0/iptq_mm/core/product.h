// The product of a layer with rows of codes, shared out among the threads.
#pragma once

#include <functional>

#include "gelu.h"
#include "include/iptq.h"
#include "layer.h"

namespace iptq {

// What is done to the accumulators; y is int8, or int16 if bits > 8 and no
// GELU follows.
struct Outcome {
  int bits;
  bool relu = false;
  const int16_t* residual = nullptr;  // [rows, columns], or null
  const iptq_gelu* gelu = nullptr;    // that y goes through, or null
};

// Rows [begin, begin + count) of the left side, [count, inner]: in `buffer`,
// which has room for them, or wherever they are already.
using Rows = std::function<const int8_t*(int64_t begin, int64_t count,
                                         int8_t* buffer)>;

// y [rows, columns] = outcome(x w + bias).
void multiply(const Rows& x, int64_t rows, const iptq_linear& layer,
              const Outcome& outcome, const iptq_executor* executor, void* y);

}  // namespace iptq
