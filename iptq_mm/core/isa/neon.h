// NEON with the dot-product instructions: four lanes, four products a lane.
// The file that includes this has said for which instruction set it is
// compiled.
#pragma once

#include <arm_neon.h>

#include "table.h"

namespace iptq {
namespace {

// int16 times int16, two products a lane.
struct NeonWords {
  static constexpr int lanes = 4, group = 2, rows = 6, vectors = 3;
  using Activation = int16_t;
  using Weight = int16_t;
  static constexpr int signed_offset = 0, unsigned_offset = 0;
  static constexpr int run = 1;
  static constexpr bool row_pairs = false, tiles = false;

  using I32 = Lanes<NeonWords>::I32;

  // A left side of ones, for sums.
  static IPTQ_INLINE I32 ones() { return Lanes<NeonWords>::splat(0x00010001); }

  static IPTQ_INLINE I32 dot(I32 sum, I32 activations, I32 weights) {
    const auto x = reinterpret_cast<int16x8_t>(activations);
    const auto y = reinterpret_cast<int16x8_t>(weights);
    return Lanes<NeonWords>::add(
        sum, reinterpret_cast<I32>(vpaddq_s32(
                 vmull_s16(vget_low_s16(x), vget_low_s16(y)),
                 vmull_high_s16(x, y))));
  }
};

struct NeonDot {
  static constexpr int lanes = 4, group = 4, rows = 6, vectors = 4;
  using Activation = int8_t;
  using Weight = int8_t;
  // sdot multiplies signed by signed: unsigned codes are moved down by 128.
  static constexpr int signed_offset = 0, unsigned_offset = -128;
  static constexpr int run = 1;
  static constexpr bool row_pairs = false, tiles = false;
  static constexpr bool shifts_signed = true, narrows = true;
  using Words = NeonWords;  // for int16 times int16
  using Narrow = NeonDot;  // for weights of 6 bits

  using I8 = Lanes<NeonDot>::I8;
  using I16 = Lanes<NeonDot>::I16;
  using I32 = Lanes<NeonDot>::I32;
  using I64 = Lanes<NeonDot>::I64;

  // A left side of ones, for sums.
  static IPTQ_INLINE I32 ones() {
    return Lanes<NeonDot>::splat(0x01010101);
  }

  static IPTQ_INLINE I32 dot(I32 sum, I32 activations, I32 weights) {
    return reinterpret_cast<I32>(
        vdotq_s32(reinterpret_cast<int32x4_t>(sum),
                  reinterpret_cast<int8x16_t>(weights),
                  reinterpret_cast<int8x16_t>(activations)));
  }

  static IPTQ_INLINE I64 multiply_even(I32 x, I32 y) {
    return reinterpret_cast<I64>(
        vmull_s32(vmovn_s64(reinterpret_cast<int64x2_t>(x)),
                  vmovn_s64(reinterpret_cast<int64x2_t>(y))));
  }

  static IPTQ_INLINE I16 narrow(I32 x, int16_t) {
    return reinterpret_cast<I16>(
        vqmovn_s32(reinterpret_cast<int32x4_t>(x)));
  }

  static IPTQ_INLINE I8 narrow(I32 x, int8_t) {
    const int16x4_t words = vqmovn_s32(reinterpret_cast<int32x4_t>(x));
    const int8x8_t bytes = vqmovn_s16(vcombine_s16(words, words));
    I8 first;
    std::memcpy(&first, &bytes, sizeof(first));
    return first;
  }

  static IPTQ_INLINE I32 widen(I16 x) {
    return reinterpret_cast<I32>(vmovl_s16(reinterpret_cast<int16x4_t>(x)));
  }

  static IPTQ_INLINE I32 gather(const int32_t* from, I32 index) {
    return I32{from[index[0]], from[index[1]], from[index[2]],
               from[index[3]]};
  }
};

}  // namespace
}  // namespace iptq
