// AVX2 with VNNI: eight lanes, four products a lane (Alder Lake, Zen 5).
#if defined(__x86_64__)
#pragma GCC target("avx2,avxvnni")
#include <immintrin.h>
#include "table.h"

namespace iptq {
namespace {

// int16 times int16, two products a lane.
struct AvxVnniWords {
  static constexpr int lanes = 8, group = 2, rows = 6, vectors = 2;
  using Activation = int16_t;
  using Weight = int16_t;
  using Codes = WholeCodes<AvxVnniWords>;
  static constexpr int signed_offset = 0, unsigned_offset = 0;
  static constexpr int partial_groups = 1;

  using I32 = Lanes<AvxVnniWords>::I32;

  static IPTQ_INLINE I32 ones() {
    return Lanes<AvxVnniWords>::splat(0x00010001);
  }

  static IPTQ_INLINE I32 dot(I32 sum, I32 activations, I32 weights) {
    return reinterpret_cast<I32>(_mm256_dpwssd_avx_epi32(
        reinterpret_cast<__m256i>(sum), reinterpret_cast<__m256i>(activations),
        reinterpret_cast<__m256i>(weights)));
  }
};

template <template <class> class Packing>
struct AvxVnniBytes {
  static constexpr int lanes = 8, group = 4, rows = 6, vectors = 2;
  // As in avx512_vnni.cpp: vpdpbusd multiplies unsigned by signed.
  using Activation = uint8_t;
  using Weight = int8_t;
  using Codes = Packing<AvxVnniBytes>;
  static constexpr int signed_offset = 128, unsigned_offset = 0;
  static constexpr int partial_groups = 1;
  static constexpr bool shifts_signed = false;
  using Words = AvxVnniWords;  // for int16 times int16
  using SmallWeights = AvxVnniBytes<ScaledNibbles>;

  using I32 = typename Lanes<AvxVnniBytes>::I32;
  using I64 = typename Lanes<AvxVnniBytes>::I64;

  // A left side of ones, for sums.
  static IPTQ_INLINE I32 ones() {
    return Lanes<AvxVnniBytes>::splat(0x01010101);
  }

  static IPTQ_INLINE I32 dot(I32 sum, I32 activations, I32 weights) {
    return reinterpret_cast<I32>(_mm256_dpbusd_avx_epi32(
        reinterpret_cast<__m256i>(sum), reinterpret_cast<__m256i>(activations),
        reinterpret_cast<__m256i>(weights)));
  }

  static IPTQ_INLINE I64 multiply_even(I32 x, I32 y) {
    return reinterpret_cast<I64>(_mm256_mul_epi32(
        reinterpret_cast<__m256i>(x), reinterpret_cast<__m256i>(y)));
  }

  static IPTQ_INLINE I32 gather(const int32_t* from, I32 index) {
    return reinterpret_cast<I32>(_mm256_i32gather_epi32(
        from, reinterpret_cast<__m256i>(index), sizeof(int32_t)));
  }
};

using AvxVnni = AvxVnniBytes<WholeCodes>;

constexpr Kernels table = kernel_table<AvxVnni>("avx_vnni");

}  // namespace

constexpr const Kernels* avx_vnni_kernels = &table;

}  // namespace iptq
#else
#include "../kernels.h"
namespace iptq {
constexpr const Kernels* avx_vnni_kernels = nullptr;
}  // namespace iptq
#endif
