// AVX-512 with VNNI: sixteen lanes, four products a lane. The file that
// includes this has said for which instruction set it is compiled.
#pragma once

#include <immintrin.h>

#include "vnni.h"

namespace iptq {
namespace {

struct Avx512Intrinsics {
  static constexpr int lanes = 16, rows = 8, vectors = 3;
  static constexpr bool shifts_signed = true, narrows = true;

  using I8 = typename Lanes<Avx512Intrinsics>::I8;
  using I16 = typename Lanes<Avx512Intrinsics>::I16;
  using I32 = typename Lanes<Avx512Intrinsics>::I32;
  using I64 = typename Lanes<Avx512Intrinsics>::I64;

  static IPTQ_INLINE I32 dot_words(I32 sum, I32 x, I32 y) {
    return reinterpret_cast<I32>(_mm512_dpwssd_epi32(
        reinterpret_cast<__m512i>(sum), reinterpret_cast<__m512i>(x),
        reinterpret_cast<__m512i>(y)));
  }

  static IPTQ_INLINE I32 dot_bytes(I32 sum, I32 x, I32 y) {
    return reinterpret_cast<I32>(_mm512_dpbusd_epi32(
        reinterpret_cast<__m512i>(sum), reinterpret_cast<__m512i>(x),
        reinterpret_cast<__m512i>(y)));
  }

  static IPTQ_INLINE I64 multiply_even(I32 x, I32 y) {
    return reinterpret_cast<I64>(_mm512_mul_epi32(
        reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(y)));
  }

  static IPTQ_INLINE I8 narrow(I32 x, int8_t) {
    return reinterpret_cast<I8>(
        _mm512_cvtsepi32_epi8(reinterpret_cast<__m512i>(x)));
  }

  static IPTQ_INLINE I16 narrow(I32 x, int16_t) {
    return reinterpret_cast<I16>(
        _mm512_cvtsepi32_epi16(reinterpret_cast<__m512i>(x)));
  }

  static IPTQ_INLINE I32 widen(I16 x) {
    return reinterpret_cast<I32>(
        _mm512_cvtepi16_epi32(reinterpret_cast<__m256i>(x)));
  }

  static IPTQ_INLINE I32 gather(const int32_t* from, I32 index) {
    return reinterpret_cast<I32>(_mm512_i32gather_epi32(
        reinterpret_cast<__m512i>(index), from, sizeof(int32_t)));
  }
};

using Avx512Vnni = VnniBytes<Avx512Intrinsics>;

// Look-up without memory: two permutations of 128 entries. Only machines with
// VBMI have them; some with VNNI do not.
__attribute__((target("avx512vbmi"))) void look_up_vbmi(
    const LookUpTask& task) {
  __m512i parts[4];
  std::memcpy(parts, task.table, sizeof(parts));
  for (int64_t row = 0; row < task.rows; ++row)
    for (int64_t i = 0; i < task.count; i += 64) {
      int8_t* y = task.y + row * task.step + i;
      const __mmask64 valid =
          _bzhi_u64(~uint64_t{0}, minimum<int64_t>(task.count - i, 64));
      const __m512i index = _mm512_maskz_loadu_epi8(valid, y);
      // Bit 7 is the sign: codes below 0 are the first half of the table.
      const __m512i below =
          _mm512_permutex2var_epi8(parts[0], index, parts[1]);
      const __m512i above =
          _mm512_permutex2var_epi8(parts[2], index, parts[3]);
      _mm512_mask_storeu_epi8(
          y, valid,
          _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), above, below));
    }
}

// As above, eight permutations; the upper three bits of an index choose one.
// The table is in sixteen registers, for all rows.
__attribute__((target("avx512vbmi"))) void look_up_wide_vbmi(
    const LookUpTask& task) {
  __m512i parts[16];
  std::memcpy(parts, task.table, sizeof(parts));
  alignas(64) int8_t low[64], high[64];  // where the words' bytes are
  for (int i = 0; i < 64; ++i) {
    low[i] = static_cast<int8_t>(2 * i);
    high[i] = static_cast<int8_t>(2 * i + 1);
  }
  const __m512i low_bytes = _mm512_load_si512(low);
  const __m512i high_bytes = _mm512_load_si512(high);
  for (int64_t row = 0; row < task.rows; ++row)
    for (int64_t i = 0; i < task.count; i += 64) {
      const int16_t* codes = task.codes + row * task.step + i;
      const uint64_t valid =
          _bzhi_u64(~uint64_t{0}, minimum<int64_t>(task.count - i, 64));
      const __m512i first =
          _mm512_maskz_loadu_epi16(static_cast<__mmask32>(valid), codes);
      const __m512i second = _mm512_maskz_loadu_epi16(
          static_cast<__mmask32>(valid >> 32), codes + 32);
      const __m512i index =
          _mm512_permutex2var_epi8(first, low_bytes, second);
      const __m512i upper =
          _mm512_permutex2var_epi8(first, high_bytes, second);
      const __mmask64 negative = _mm512_movepi8_mask(upper);
      const __mmask64 bit8 =
          _mm512_test_epi8_mask(upper, _mm512_set1_epi8(1));
      const __mmask64 bit7 = _mm512_movepi8_mask(index);
      __m512i found[8];
      for (int j = 0; j < 8; ++j)
        found[j] =
            _mm512_permutex2var_epi8(parts[2 * j], index, parts[2 * j + 1]);
      for (int j = 0; j < 4; ++j)
        found[j] =
            _mm512_mask_blend_epi8(bit7, found[2 * j], found[2 * j + 1]);
      for (int j = 0; j < 2; ++j)
        found[j] =
            _mm512_mask_blend_epi8(bit8, found[2 * j], found[2 * j + 1]);
      _mm512_mask_storeu_epi8(
          task.y + row * task.step + i, valid,
          _mm512_mask_blend_epi8(negative, found[1], found[0]));
    }
}

constexpr Kernels with_vbmi(Kernels kernels) {
  kernels.name = "avx512_vbmi";
  kernels.look_up = look_up_vbmi;
  kernels.look_up_wide = look_up_wide_vbmi;
  return kernels;
}

}  // namespace
}  // namespace iptq
