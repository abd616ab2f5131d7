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

// Rows of scores, one below the other.
template <class Isa>
struct ScoreRows {
  int32_t* scores;
  int64_t stride, length, count;

  ScoreRow<Isa> operator[](int64_t row) const {
    return {scores + row * stride, length};
  }
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

// The same of several rows, and their sums. Not inlined: beside the products
// of an attention the registers would not do for both.
template <class Isa, class Power>
__attribute__((noinline)) void exponentiate_by(
    const ScoreRows<Isa>& rows, const SoftmaxParameters& parameters,
    int64_t* sums) {
  const Power power_of(parameters);
  for (int64_t r = 0; r < rows.count; ++r)
    sums[r] = exponentiate(rows[r], parameters, power_of);
}

template <class Isa>
void exponentiate(const ScoreRows<Isa>& rows,
                  const SoftmaxParameters& parameters, int64_t* sums) {
  switch (parameters.exponential) {
    case Exponential::bit_exp:
      return exponentiate_by<Isa, BitExp<Isa>>(rows, parameters, sums);
    case Exponential::shift_exp:
      return exponentiate_by<Isa, ShiftExp<Isa>>(rows, parameters, sums);
    case Exponential::i_exp:
      return exponentiate_by<Isa, IExp<Isa>>(rows, parameters, sums);
    case Exponential::table_exp:
      return exponentiate_by<Isa, TableExp<Isa>>(rows, parameters, sums);
  }
}

// The probability that an exponential is, in a row of a given sum: a code, and
// by how much every code of the row is shifted to the scale of all rows.
//
// Fractions of the sum, at 2^-(bits + k) for a sum in [1, 2) 2^k.
template <class Isa>
class Fraction {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;

 public:
  // sum >= 2^24
  IPTQ_INLINE Fraction(int64_t sum, const SoftmaxParameters& parameters)
      : Fraction(sum, parameters.bits, 63 - 24 - __builtin_clzll(sum)) {}

  IPTQ_INLINE I32 operator()(I32 power) const {
    return minimum(divide_(power), largest_);
  }

  int shift() const { return shift_; }

 private:
  static constexpr int reciprocal_bits = 54;  // sum >= 2^24: an int32
  static constexpr int octaves = 12;  // of sums from 2^24 on

  IPTQ_INLINE Fraction(int64_t sum, int bits, int k)
      : divide_(static_cast<int32_t>((int64_t{1} << reciprocal_bits) / sum),
                reciprocal_bits - bits - k),
        largest_(T::splat((1 << bits) - 1)), shift_(octaves - k) {}

  Dyadic<Isa> divide_;
  I32 largest_;
  int shift_;
};

// Powers of two from 2^0 to 2^15.
//
// log2_code.py rounds the quotient of the sum s and an exponential e to
// q = floor((2 s + e) / (2 e)), and that to a code: more than 0 from q = 2
// on, more than k from q = 3 2^(k-1) on. q >= c says e <= 2 s / (2 c - 1), so
// a division a code takes the place of a division an element.
template <class Isa>
class PowerOfTwo {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;

 public:
  IPTQ_INLINE PowerOfTwo(int64_t sum, const SoftmaxParameters&) {
    for (int k = 0; k < codes; ++k) {
      const int64_t quotient = k ? int64_t{3} << (k - 1) : 2;
      ends_[k] = static_cast<int32_t>(
          minimum<int64_t>(2 * sum / (2 * quotient - 1), INT32_MAX));
    }
  }

  IPTQ_INLINE I32 operator()(I32 power) const {
    I32 below{};  // minus the number of codes that are large enough
#pragma GCC unroll 16
    for (int k = 0; k < codes; ++k) below += power > ends_[k];
    return (T::splat(1) << -below) >> 1;
  }

  int shift() const { return 0; }

 private:
  static constexpr int codes = 16;
  int32_t ends_[codes];  // largest exponential of a larger code
};

// The codes of a row, packed as the left side of the product with the values.
// `Operand` is the instruction set of that product; `pack` returns what the
// row's accumulator is multiplied with, in units of 2^-share_bits.
constexpr int share_bits = 30;

// Exponentials as they are: row.py's codes. What they are of their sum is left
// to the accumulator.
template <class Isa>
struct Exponentials {
  using Operand = Isa;

  static IPTQ_INLINE int64_t pack(const ScoreRow<Isa>& row, int64_t sum,
                                  const SoftmaxParameters& parameters,
                                  typename Operand::Activation* packed) {
    using T = Lanes<Isa>;
    using I32 = typename T::I32;
    constexpr int exp_bits = 24;
    const int bits = parameters.bits, drop = exp_bits - bits;
    const I32 largest = T::splat((1 << bits) - 1);
    const I32 half = T::splat(1 << (drop - 1));
    for (int64_t i = 0; i < row.length; i += Isa::lanes) {
      const I32 power = load<I32>(row.scores + i);
      const I32 code = (power - (power >> bits) + half) >> drop;
      store(packed + i, T::template narrow<typename Operand::Activation>(
                            minimum(code, largest) +
                            Operand::unsigned_offset));
    }
    return (int64_t{1} << (exp_bits + share_bits)) / sum;
  }
};

// Negated: -2^15 is an int16, 2^15 is none.
template <class Isa>
struct NegatedPowers {
  using Operand = typename Isa::Words;

  static IPTQ_INLINE int64_t pack(const ScoreRow<Isa>& row, int64_t sum,
                                  const SoftmaxParameters& parameters,
                                  typename Operand::Activation* packed) {
    using T = Lanes<Isa>;
    const PowerOfTwo<Isa> probability(sum, parameters);
    for (int64_t i = 0; i < row.length; i += Isa::lanes)
      store(packed + i,
            __builtin_convertvector(
                -probability(load<typename T::I32>(row.scores + i)),
                typename T::I16));
    return -(int64_t{1} << share_bits);
  }
};

// Softmax alone: the codes of each row, shifted to the scale of all rows.
template <class Isa, template <class> class Probability>
void softmax_by(const SoftmaxTask& task) {
  using I32 = typename Lanes<Isa>::I32;
  const int64_t length = task.length, padded = round_up(length, Isa::lanes);
  const ScoreRow<Isa> row{task.scratch, length};
  for (int64_t r = 0; r < task.rows; ++r) {
    std::memcpy(row.scores, task.x + r * length, length * sizeof(int32_t));
    for (int64_t i = length; i < padded; ++i) row.scores[i] = outside;
    int64_t sum;
    exponentiate(ScoreRows<Isa>{row.scores, padded, length, 1}, task.softmax,
                 &sum);
    const Probability<Isa> probability(sum, task.softmax);
    int32_t* y = task.y + r * length;
    const auto code = [&](int64_t i) {
      return probability(load<I32>(row.scores + i)) << probability.shift();
    };
    int64_t i = 0;
    for (; i + Isa::lanes <= length; i += Isa::lanes) store(y + i, code(i));
    if (i < length) store_first(y + i, code(i), static_cast<int>(length - i));
  }
}

template <class Isa>
void softmax(const SoftmaxTask& task) {
  switch (task.softmax.normalization) {
    case Normalization::fractions:
      return softmax_by<Isa, Fraction>(task);
    case Normalization::powers_of_two:
      return softmax_by<Isa, PowerOfTwo>(task);
  }
}

}  // namespace
}  // namespace iptq
