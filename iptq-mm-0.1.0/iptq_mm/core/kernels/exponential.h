// The exponentials of functions/exponential/ on int32 lanes. Exponents lie in
// (-2^30, 0]; they and the results have 24 fractional bits.
//
// A lane cannot be shifted by 32 and more. What is shifted here has 26 bits,
// so a shift of `deepest` leaves what any longer one would.
#pragma once

#include "../kernels.h"
#include "dyadic.h"

namespace iptq {
namespace {

constexpr int fraction_bits = 24;
constexpr int32_t one = 1 << fraction_bits;
constexpr int deepest = 30;

// IPTQ-ViT's Efficient Bit-exp (bit_exp.py): 2^x.
template <class Isa>
struct BitExp {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;

  explicit BitExp(const SoftmaxParameters&) {}

  IPTQ_INLINE I32 operator()(I32 x) const {
    const I32 z = (x + one / 2) >> fraction_bits;
    const I32 r = x - (z << fraction_bits);
    const I32 power = one + (r >> 1) + (r >> 3) + (r >> 4);
    return power >> minimum(-z, T::splat(deepest));
  }
};

// I-ViT's ShiftExp (shift_exp.py): e^x.
template <class Isa>
struct ShiftExp {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;

  explicit ShiftExp(const SoftmaxParameters&) {}

  IPTQ_INLINE I32 operator()(I32 x) const {
    x = x + (x >> 1) - (x >> 4);
    const I32 z = -x >> fraction_bits;
    const I32 r = x + (z << fraction_bits);
    return (one + (r >> 1)) >> minimum(z, T::splat(deepest));
  }
};

// I-BERT's i-exp (i_exp.py): e^x, by a parabola.
template <class Isa>
class IExp {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;

 public:
  explicit IExp(const SoftmaxParameters&) {}

  IPTQ_INLINE I32 operator()(I32 x) const {
    const I32 z = octaves(-x);
    const I32 root = x + z * ln2 + b;
    const I32 square =
        Dyadic<Isa>(root, T::splat(fraction_bits))(root);
    const I32 parabola = Dyadic<Isa>(a, fraction_bits)(square) + c;
    return parabola >> minimum(z, T::splat(deepest));
  }

 private:
  // round(0.3585, 1.353, 0.344, ln 2 times 2^24), round(log2 e 2^30)
  static constexpr int32_t a = 6014632, b = 22699573, c = 5771362;
  static constexpr int32_t ln2 = 11629080, log2_e = 1549082005;

  // How often ln 2 goes into x >= 0: a truncating shift of a product.
  static IPTQ_INLINE I32 octaves(I32 x) {
    constexpr int shift = fraction_bits + 30;
    const auto parts = Dyadic<Isa>::split(x);
    const auto whole = [](auto part) {
      return reinterpret_cast<typename T::U64>(Isa::multiply_even(
                 reinterpret_cast<I32>(part), T::splat(log2_e))) >>
             shift;
    };
    return Dyadic<Isa>::merge({whole(parts.even), whole(parts.odd)});
  }
};

// Ours (table_exp.py): 2^x, by 64 chords an octave.
template <class Isa>
class TableExp {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;
  static constexpr int index_bits = 6;
  static constexpr int weight_bits = fraction_bits - index_bits;

 public:
  explicit TableExp(const SoftmaxParameters& parameters)
      : entries_(parameters.entries) {}

  IPTQ_INLINE I32 operator()(I32 x) const {
    const I32 index = (x >> weight_bits) & ((1 << index_bits) - 1);
    const I32 weight = x & ((1 << weight_bits) - 1);
    const I32 low = Isa::gather(entries_, index);
    const I32 slope = Isa::gather(entries_ + 1, index) - low;
    const I32 power =
        low + Dyadic<Isa>(weight, T::splat(weight_bits))(slope);
    const I32 z = minimum(-(x >> fraction_bits), T::splat(deepest));
    return (power + ((T::splat(1) << z) >> 1)) >> z;
  }

 private:
  const int32_t* entries_;
};

}  // namespace
}  // namespace iptq
