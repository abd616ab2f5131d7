// What AVX2 has, with VNNI and without. The file that includes this has said
// for which instruction set it is compiled.
#pragma once

#include <immintrin.h>

#include "table.h"

namespace iptq {
namespace {

struct Avx2Intrinsics {
  static constexpr int lanes = 8;
  static constexpr bool shifts_signed = false, narrows = true;

  using I8 = Lanes<Avx2Intrinsics>::I8;
  using I16 = Lanes<Avx2Intrinsics>::I16;
  using I32 = Lanes<Avx2Intrinsics>::I32;
  using I64 = Lanes<Avx2Intrinsics>::I64;

  static IPTQ_INLINE I64 multiply_even(I32 x, I32 y) {
    return reinterpret_cast<I64>(_mm256_mul_epi32(
        reinterpret_cast<__m256i>(x), reinterpret_cast<__m256i>(y)));
  }

  static IPTQ_INLINE I16 narrow(I32 x, int16_t) {
    const auto both = reinterpret_cast<__m256i>(x);
    return reinterpret_cast<I16>(_mm_packs_epi32(
        _mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1)));
  }

  static IPTQ_INLINE I8 narrow(I32 x, int8_t) {
    const auto words = reinterpret_cast<__m128i>(narrow(x, int16_t{}));
    const __m128i bytes = _mm_packs_epi16(words, words);
    I8 first;
    std::memcpy(&first, &bytes, sizeof(first));
    return first;
  }

  static IPTQ_INLINE I32 widen(I16 x) {
    return reinterpret_cast<I32>(
        _mm256_cvtepi16_epi32(reinterpret_cast<__m128i>(x)));
  }

  static IPTQ_INLINE I32 gather(const int32_t* from, I32 index) {
    return reinterpret_cast<I32>(_mm256_i32gather_epi32(
        from, reinterpret_cast<__m256i>(index), sizeof(int32_t)));
  }
};

}  // namespace
}  // namespace iptq
