// Dyadic requantization, exact: rshift(x m, n) of arithmetic.py on int32.
#pragma once

#include "vector.h"

namespace iptq {
namespace {

// The 64-bit products of the even lanes and of the odd lanes of a vector.
template <class Isa>
struct Products {
  typename Lanes<Isa>::U64 even, odd;
};

// (x m + 2^(n-1) + c) >> n, one m and n for each lane.
//
// Where an instruction set has no arithmetic shift of 64 bits
// (`Isa::shifts_signed`), 2^62 is added to the product, which makes it
// positive, a logical shift follows, and 2^(62-n) is taken off: the same
// number.
template <class Isa>
class Dyadic {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;
  using U64 = typename T::U64;

 public:
  Dyadic() = default;

  // n in [0, 62], |m| < 2^31.
  IPTQ_INLINE Dyadic(I32 m, I32 n) : m_{split(m)} {
    const Products<Isa> shift = split(n);
    shift_ = {shift.even & 0xffffffffu, shift.odd};
    const U64 one = U64{} + 1;
    round_ = {(one << shift_.even) >> 1, (one << shift_.odd) >> 1};
    if constexpr (!Isa::shifts_signed) {
      const U64 lift = U64{} + (uint64_t{1} << 62);
      add_to_product({lift, lift});
      lift_ = {lift >> shift_.even, lift >> shift_.odd};
    }
  }

  IPTQ_INLINE Dyadic(int32_t m, int32_t n)
      : Dyadic(T::splat(m), T::splat(n)) {}

  // Adds a constant of |c| <= 2^61 to each product.
  IPTQ_INLINE void add_to_product(const Products<Isa>& c) {
    round_.even += c.even;
    round_.odd += c.odd;
  }

  // |x m + c| <= 2^62. The result is exact modulo 2^32: whoever calls this
  // has seen to it that it lies in int32.
  IPTQ_INLINE I32 operator()(I32 x) const { return merge((*this)(split(x))); }

  // The same on int32 in the low half of each 64-bit lane.
  IPTQ_INLINE Products<Isa> operator()(const Products<Isa>& x) const {
    return {shifted(x.even, m_.even, round_.even, shift_.even, lift_.even),
            shifted(x.odd, m_.odd, round_.odd, shift_.odd, lift_.odd)};
  }

  // Even and odd lanes in the low halves of 64 bits.
  static IPTQ_INLINE Products<Isa> split(I32 x) {
    const U64 wide = reinterpret_cast<U64>(x);
    return {wide, wide >> 32};
  }

  static IPTQ_INLINE I32 merge(const Products<Isa>& x) {
    I32 lanes;
#pragma GCC unroll 16
    for (int i = 0; i < T::count; ++i)
      lanes[i] = i / 2 * 2 + i % 2 * T::count;
    return __builtin_shuffle(reinterpret_cast<I32>(x.even),
                             reinterpret_cast<I32>(x.odd), lanes);
  }

 private:
  static IPTQ_INLINE U64 shifted(U64 x, U64 m, U64 round, U64 shift,
                                 U64 lift) {
    const U64 product = reinterpret_cast<U64>(Isa::multiply_even(
        reinterpret_cast<I32>(x), reinterpret_cast<I32>(m)));
    if constexpr (Isa::shifts_signed)
      return reinterpret_cast<U64>(
          reinterpret_cast<typename T::I64>(product + round) >>
          reinterpret_cast<typename T::I64>(shift));
    else
      return ((product + round) >> shift) - lift;
  }

  Products<Isa> m_, shift_, round_, lift_;
};

// The same for n in [32, 62], of which the upper halves of the products are
// enough: a floor of a floor.
template <class Isa>
class HighDyadic {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;
  using U64 = typename T::U64;

 public:
  IPTQ_INLINE HighDyadic(I32 m, I32 n)
      : m_{Dyadic<Isa>::split(m)}, shift_(n - T::splat(32)) {
    const Products<Isa> before = Dyadic<Isa>::split(n - T::splat(1));
    const U64 one = U64{} + 1;
    round_ = {one << (before.even & 0xffffffffu), one << before.odd};
  }

  // |x m| <= 2^62; the result is exact modulo 2^32.
  IPTQ_INLINE I32 operator()(I32 x) const {
    const Products<Isa> parts = Dyadic<Isa>::split(x);
    const U64 even = product(parts.even, m_.even) + round_.even;
    const U64 odd = product(parts.odd, m_.odd) + round_.odd;
    I32 lanes;
#pragma GCC unroll 16
    for (int i = 0; i < T::count; ++i)
      lanes[i] = (i | 1) + (i % 2 ? T::count : 0);
    return __builtin_shuffle(reinterpret_cast<I32>(even),
                             reinterpret_cast<I32>(odd), lanes) >>
           shift_;
  }

 private:
  static IPTQ_INLINE U64 product(U64 x, U64 m) {
    return reinterpret_cast<U64>(Isa::multiply_even(
        reinterpret_cast<I32>(x), reinterpret_cast<I32>(m)));
  }

  Products<Isa> m_, round_;
  I32 shift_;
};

}  // namespace
}  // namespace iptq
