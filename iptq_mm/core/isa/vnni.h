// Instruction sets whose dot products add four products a lane, or two of 16
// bits (VNNI): what does not depend on the width of their vectors. The file
// that includes this gives that as `Intrinsics`.
#pragma once

#include "table.h"

namespace iptq {
namespace {

// int16 times int16, two products a lane.
template <class Intrinsics>
struct VnniWords : Intrinsics {
  static constexpr int group = 2;
  using Activation = int16_t;
  using Weight = int16_t;
  static constexpr int signed_offset = 0, unsigned_offset = 0;
  static constexpr int run = 1;
  static constexpr bool row_pairs = false, tiles = false;

  using I32 = typename Lanes<Intrinsics>::I32;

  static IPTQ_INLINE I32 ones() {
    return Lanes<Intrinsics>::splat(0x00010001);
  }

  static IPTQ_INLINE I32 dot(I32 sum, I32 activations, I32 weights) {
    return Intrinsics::dot_words(sum, activations, weights);
  }
};

template <class Intrinsics>
struct VnniBytes : Intrinsics {
  static constexpr int group = 4;
  // vpdpbusd multiplies unsigned by signed: int8 codes are moved up by 128,
  // and 128 times the sum of a column is taken off again.
  using Activation = uint8_t;
  using Weight = int8_t;
  static constexpr int signed_offset = 128, unsigned_offset = 0;
  static constexpr int run = 1;
  static constexpr bool row_pairs = false, tiles = false;
  using Words = VnniWords<Intrinsics>;  // for int16 times int16
  using Narrow = VnniBytes;  // for weights of 6 bits

  using I32 = typename Lanes<Intrinsics>::I32;
  using I64 = typename Lanes<Intrinsics>::I64;

  // A left side of ones, for sums.
  static IPTQ_INLINE I32 ones() {
    return Lanes<Intrinsics>::splat(0x01010101);
  }

  static IPTQ_INLINE I32 dot(I32 sum, I32 activations, I32 weights) {
    return Intrinsics::dot_bytes(sum, activations, weights);
  }
};

}  // namespace
}  // namespace iptq
