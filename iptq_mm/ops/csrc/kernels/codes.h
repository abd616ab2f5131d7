// How a 32-bit word of a packed right operand holds neighbours of a column.
#pragma once

#include "../vector.h"

namespace iptq {
namespace {

// Codes as the instruction takes them: one group.
template <class Isa>
struct WholeCodes {
  using I32 = typename Lanes<Isa>::I32;
  static constexpr int count = Isa::group;
  static constexpr int offset = 0;

  static IPTQ_INLINE I32 operand(I32 words, int) { return words; }
};

// Codes of 4 bits in [-8, 7], moved up by 8: 8 / Isa::group groups, which
// interleave so that a shift and a mask unpack each.
template <class Isa>
struct Nibbles {
  using I32 = typename Lanes<Isa>::I32;
  static constexpr int count = 8;
  static constexpr int offset = 8;
  static constexpr int groups = count / Isa::group;
  static constexpr int32_t mask = Isa::group == 4 ? 0x0f0f0f0f : 0x000f000f;

  static IPTQ_INLINE I32 operand(I32 words, int group) {
    return (words >> (4 * group)) & mask;
  }

  // The word of codes [0, valid); beyond them nothing counts.
  static int32_t word(const int8_t* codes, int64_t valid) {
    uint32_t word = 0;
    for (int k = 0; k < valid; ++k) {
      const int place = k / Isa::group + k % Isa::group * groups;
      word |= static_cast<uint32_t>(codes[k] + offset) << (4 * place);
    }
    return static_cast<int32_t>(word);
  }
};

}  // namespace
}  // namespace iptq
