// Softmax of a row of scores: functions/softmax/row.py on int32 lanes.
#pragma once

#include "../kernels.h"
#include "dyadic.h"
#include "exponential.h"

namespace iptq {
namespace {

// A row of scores lies in whole vectors, with `outside` beyond its length.
template <class Isa>
struct ScoreRow {
  int32_t* scores;
  int64_t length;
};

template <class Isa>
IPTQ_INLINE int32_t row_maximum(const ScoreRow<Isa>& row) {
  using I32 = typename Lanes<Isa>::I32;
  I32 largest = load<I32>(row.scores);
  for (int64_t i = Isa::lanes; i < row.length; i += Isa::lanes)
    largest = maximum(largest, load<I32>(row.scores + i));
  return largest_lane<int32_t, Isa::lanes>(largest);
}

// Scores to exponentials, in place, zeros beyond the row; returns their sum.
template <class Isa, class Power>
IPTQ_INLINE int64_t exponentiate(const ScoreRow<Isa>& row,
                                 const SoftmaxParameters& parameters,
                                 const Power& power_of) {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;
  using U64 = typename T::U64;
  const Dyadic<Isa> scale(parameters.scale.m, parameters.scale.n);
  const I32 smallest = T::splat(parameters.smallest);
  const int32_t largest = row_maximum(row);
  U64 sum{};
  for (int64_t i = 0; i < row.length; i += Isa::lanes) {
    const I32 score = load<I32>(row.scores + i);
    const I32 depth = maximum(score - largest, smallest);
    const I32 inside = score > outside / 2;  // all ones, or zero
    const I32 power = power_of(scale(depth)) & inside;
    const Products<Isa> wide = Dyadic<Isa>::split(power);
    sum += (wide.even & 0xffffffffu) + wide.odd;
    store(row.scores + i, power);
  }
  return static_cast<int64_t>(sum_of_lanes<uint64_t, Isa::lanes / 2>(sum));
}

// Probabilities at 2^-bits, packed as the left side of a product.
template <class Isa>
IPTQ_INLINE void normalize(const ScoreRow<Isa>& row, int64_t sum, int bits,
                           typename Isa::Activation* probabilities) {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;
  using Out = Vector<typename Isa::Activation, Isa::lanes>;
  constexpr int reciprocal_bits = 54;  // sum >= 2^24: an int32
  const auto reciprocal =
      static_cast<int32_t>((int64_t{1} << reciprocal_bits) / sum);
  const Dyadic<Isa> divide(reciprocal, reciprocal_bits - bits);
  const I32 largest = T::splat((1 << bits) - 1);
  for (int64_t i = 0; i < row.length; i += Isa::lanes) {
    const I32 probability =
        minimum(divide(load<I32>(row.scores + i)), largest);
    store(probabilities + i,
          __builtin_convertvector(probability + Isa::unsigned_offset, Out));
  }
}

template <class Isa>
void softmax(const ScoreRow<Isa>& row, const SoftmaxParameters& parameters,
             typename Isa::Activation* probabilities) {
  int64_t sum = 0;
  switch (parameters.exponential) {
    case Exponential::bit_exp:
      sum = exponentiate(row, parameters, BitExp<Isa>(parameters));
      break;
    case Exponential::shift_exp:
      sum = exponentiate(row, parameters, ShiftExp<Isa>(parameters));
      break;
    case Exponential::i_exp:
      sum = exponentiate(row, parameters, IExp<Isa>(parameters));
      break;
    case Exponential::table_exp:
      sum = exponentiate(row, parameters, TableExp<Isa>(parameters));
      break;
  }
  normalize(row, sum, parameters.bits, probabilities);
}

}  // namespace
}  // namespace iptq
