// How a 32-bit word of a packed right operand holds neighbours of a column.
//
// Codes of 4 bits lie two to a byte; a shift and a mask unpack a group, in one
// of two ways. Where a dot product takes signed bytes and adds in int32, they
// are unpacked 16 times as large (ScaledNibbles), and the requantization takes
// that back at no cost. vpmaddubsw takes unsigned bytes on this side and adds
// in int16, and the kernels of int16 codes would leave int32: those have
// ShiftedNibbles, at the price of a sum for each row.
#pragma once

#include "vector.h"

namespace iptq {
namespace {

// Codes as the instruction takes them: one group.
template <class Isa>
struct WholeCodes {
  using I32 = typename Lanes<Isa>::I32;
  static constexpr int count = Isa::group;
  static constexpr int offset = 0;
  static constexpr int scale_bits = 0;

  static IPTQ_INLINE I32 operand(I32 words, int) { return words; }
};

// The word of codes [0, valid) in [-8, 7], moved up by `offset`: so that
// `Group` neighbours of them lie in the low bits of as many equal parts of the
// word, the next group above it. Beyond `valid` nothing counts.
template <int Group>
int32_t nibble_word(const int8_t* codes, int64_t valid, int offset) {
  uint32_t word = 0;
  for (int k = 0; k < valid; ++k) {
    const int place = k / Group + k % Group * (8 / Group);
    word |= static_cast<uint32_t>((codes[k] + offset) & 15) << (4 * place);
  }
  return static_cast<int32_t>(word);
}

// Codes of 4 bits, unpacked as unsigned ones, 8 too large.
template <class Isa>
struct ShiftedNibbles {
  using I32 = typename Lanes<Isa>::I32;
  static constexpr int count = 8;
  static constexpr int offset = 8;
  static constexpr int scale_bits = 0;
  static constexpr int32_t mask = Isa::group == 4 ? 0x0f0f0f0f : 0x000f000f;

  static IPTQ_INLINE I32 operand(I32 words, int group) {
    return (words >> (4 * group)) & mask;
  }
};

// Codes of 4 bits, unpacked as signed bytes that are 16 times as large.
template <class Isa>
struct ScaledNibbles {
  using I32 = typename Lanes<Isa>::I32;
  static_assert(Isa::group == 4);
  static constexpr int count = 8;
  static constexpr int offset = 0;
  static constexpr int scale_bits = 4;

  static IPTQ_INLINE I32 operand(I32 words, int group) {
    return (group ? words : words << 4) & static_cast<int32_t>(0xf0f0f0f0);
  }
};

}  // namespace
}  // namespace iptq
