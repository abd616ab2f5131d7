// Linear layer: product, bias, requantization and residual in one pass.
#pragma once

#include "../kernels.h"
#include "arena.h"
#include "dyadic.h"
#include "matrix.h"

namespace iptq {
namespace {

// What a column needs on its way from accumulator to output. A scale of the
// codes is divided out with the rest, which is exact.
template <class Isa>
IPTQ_INLINE Dyadic<Isa> column_scale(const ColumnScales& scales,
                                     int64_t column) {
  using I32 = typename Lanes<Isa>::I32;
  return {load<I32>(scales.m + column),
          load<I32>(scales.n + column) + Isa::Codes::scale_bits};
}

// Requantized and stored as `Out`.
template <class Isa, class Out>
struct Narrowed {
  using T = Lanes<Isa>;

  const ColumnScales& scales;
  int64_t stride;
  Out* y;

  IPTQ_INLINE Dyadic<Isa> channels(int64_t column) const {
    return column_scale<Isa>(scales, column);
  }

  IPTQ_INLINE void store(int64_t row, int64_t column, int valid,
                         const Dyadic<Isa>& scale, typename T::I32 acc) {
    const int32_t largest = (1 << (scales.bits - 1)) - 1;
    const int32_t smallest = scales.relu ? 0 : -largest;
    const auto narrow = T::template narrow<Out>(
        maximum(minimum(scale(acc), T::splat(largest)), T::splat(smallest)));
    Out* to = y + row * stride + column;
    if (valid == Isa::lanes)
      iptq::store(to, narrow);
    else
      store_first(to, narrow, valid);
  }
};

// Requantized and added to the residual stream.
template <class Isa>
struct Added {
  using T = Lanes<Isa>;
  using I16 = typename T::I16;
  using I32 = typename T::I32;

  const ColumnScales& scales;
  int64_t stride;
  const int16_t* residual;
  int16_t* y;

  IPTQ_INLINE Dyadic<Isa> channels(int64_t column) const {
    return column_scale<Isa>(scales, column);
  }

  IPTQ_INLINE void store(int64_t row, int64_t column, int valid,
                         const Dyadic<Isa>& scale, I32 acc) {
    const int64_t at = row * stride + column;
    const bool whole = valid == Isa::lanes;
    const I16 stream = whole ? load<I16>(residual + at)
                             : load_first<I16>(residual + at, valid);
    // A branch beyond 2^16 saturates the sum whatever the stream is.
    const I32 branch = T::saturate(scale(acc), 1 << 16);
    const I16 sum = __builtin_convertvector(
        T::saturate(branch + __builtin_convertvector(stream, I32), 32767),
        I16);
    if (whole)
      iptq::store(y + at, sum);
    else
      store_first(y + at, sum, valid);
  }
};

// The packed rows of a left operand, and what their accumulators start from.
template <class Isa>
struct LeftRows {
  LeftRows(Arena& arena, int64_t rows, int64_t inner)
      : codes(arena.take<typename Isa::Activation>(
            rows * left_stride<Isa>(inner))),
        start(arena.take<int32_t>(rows)) {}

  typename Isa::Activation* codes;
  int32_t* start;
};

template <class Isa>
int64_t linear_scratch(int64_t rows, int64_t inner) {
  Arena arena(nullptr);
  LeftRows<Isa>(arena, rows, inner);
  return arena.used();
}

template <class Isa>
void linear(const LinearTask& task, void* scratch) {
  const PackedWeights& weights = task.weights;
  const int64_t stride = left_stride<Isa>(weights.inner);
  Arena arena(scratch);
  const LeftRows<Isa> left(arena, task.rows, weights.inner);
  for (int64_t row = 0; row < task.rows; ++row) {
    auto* codes = left.codes + row * stride;
    pack_row<Isa>(task.x + row * weights.inner, weights.inner, codes);
    if constexpr (Isa::Codes::offset)
      left.start[row] =
          -Isa::Codes::offset * sum_row<Isa>(codes, weights.inner);
  }
  const Product<Isa> product{
      left.codes,
      stride,
      static_cast<const int32_t*>(weights.data),
      task.scales.start,
      padded_inner<Isa>(weights.inner),
      weights.columns,
      left.start};
  const auto run = [&](auto result) {
    multiply<Isa>(product, task.rows, task.begin, task.end, result);
  };
  if (task.residual)
    run(Added<Isa>{task.scales, weights.columns, task.residual,
                   static_cast<int16_t*>(task.y)});
  else if (task.scales.bits > 8)
    run(Narrowed<Isa, int16_t>{task.scales, weights.columns,
                               static_cast<int16_t*>(task.y)});
  else
    run(Narrowed<Isa, int8_t>{task.scales, weights.columns,
                              static_cast<int8_t*>(task.y)});
}

}  // namespace
}  // namespace iptq
