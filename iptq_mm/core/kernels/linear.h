// Linear layer: product, bias, requantization and residual in one pass.
#pragma once

#include "../kernels.h"
#include "dyadic.h"
#include "tiles.h"

namespace iptq {
namespace {

// What a column needs on its way from accumulator to output: `Scale`, a
// (High)Dyadic.
template <class Isa, class Scale>
IPTQ_INLINE Scale column_scale(const ColumnScales& scales, int64_t column) {
  using I32 = typename Lanes<Isa>::I32;
  return {load<I32>(scales.m + column), load<I32>(scales.n + column)};
}

// Requantized and stored as `Out`.
template <class Isa, class Scale, class Out>
struct Narrowed {
  using T = Lanes<Isa>;

  const ColumnScales& scales;
  int64_t stride;
  Out* y;

  IPTQ_INLINE Scale channels(int64_t column) const {
    return column_scale<Isa, Scale>(scales, column);
  }

  template <class Part>
  IPTQ_INLINE void store(int64_t row, int64_t column, const Part& part,
                         const Scale& scale, typename T::I32 acc) {
    const int32_t largest = (1 << (scales.bits - 1)) - 1;
    const int32_t smallest = scales.relu ? 0 : -largest;
    part.store(y + row * stride + column,
               T::template clamped<Out>(scale(acc), smallest, largest));
  }
};

// Requantized and added to the residual stream.
template <class Isa, class Scale>
struct Added {
  using T = Lanes<Isa>;
  using I16 = typename T::I16;
  using I32 = typename T::I32;

  const ColumnScales& scales;
  int64_t stride;
  const int16_t* residual;
  int16_t* y;

  IPTQ_INLINE Scale channels(int64_t column) const {
    return column_scale<Isa, Scale>(scales, column);
  }

  template <class Part>
  IPTQ_INLINE void store(int64_t row, int64_t column, const Part& part,
                         const Scale& scale, I32 acc) {
    const int64_t at = row * stride + column;
    const I32 stream = T::widen(part.template load<I16>(residual + at));
    // A branch beyond 2^16 saturates the sum whatever the stream is.
    const I32 branch = T::saturate(scale(acc), 1 << 16);
    part.store(y + at, T::template clamped<int16_t>(branch + stream, -32767,
                                                    32767));
  }
};

template <class Scale, class Isa>
void multiply_into(const Product<Isa>& product, const LinearTask& task) {
  const int64_t stride = product.columns;
  const auto run = [&](auto result) {
    if constexpr (Isa::tiles)
      multiply_tiles<Isa>(product, task.rows, task.begin, task.end, result);
    else
      multiply<Isa>(product, task.rows, task.begin, task.end, result);
  };
  if (task.residual)
    run(Added<Isa, Scale>{task.scales, stride, task.residual,
                          static_cast<int16_t*>(task.y)});
  else if (task.scales.bits > 8)
    run(Narrowed<Isa, Scale, int16_t>{task.scales, stride,
                                      static_cast<int16_t*>(task.y)});
  else
    run(Narrowed<Isa, Scale, int8_t>{task.scales, stride,
                                     static_cast<int8_t*>(task.y)});
}

template <class Isa>
int64_t linear_scratch(int64_t rows, int64_t inner) {
  return (Isa::tiles ? padded_rows(rows) : rows) * left_stride<Isa>(inner) *
         static_cast<int64_t>(sizeof(typename Isa::Activation));
}

template <class Isa>
void linear(const LinearTask& task, void* scratch) {
  const PackedWeights& weights = task.weights;
  const int64_t stride = left_stride<Isa>(weights.inner);
  auto* rows = static_cast<typename Isa::Activation*>(scratch);
  for (int64_t row = 0; row < task.rows; ++row)
    pack_row<Isa>(task.x + row * weights.inner, weights.inner,
                  rows + row * stride);
  const Product<Isa> product{rows,
                             stride,
                             static_cast<const int32_t*>(weights.data),
                             task.scales.start,
                             padded_inner<Isa>(weights.inner),
                             weights.columns};
  if (task.scales.high)
    multiply_into<HighDyadic<Isa>>(product, task);
  else
    multiply_into<Dyadic<Isa>>(product, task);
}

}  // namespace
}  // namespace iptq
