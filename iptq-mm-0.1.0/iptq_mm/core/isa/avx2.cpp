// AVX2: eight lanes, two products a lane.
#if defined(__x86_64__)
#pragma GCC target("avx2")
#include <immintrin.h>
#include "table.h"

namespace iptq {
namespace {

struct Avx2Nibbles;

struct Avx2 {
  static constexpr int lanes = 8, group = 2, rows = 6, vectors = 2;
  // vpmaddubsw, which takes bytes, would saturate; vpmaddwd is exact.
  using Activation = int16_t;
  using Weight = int16_t;
  using Codes = WholeCodes<Avx2>;
  static constexpr int signed_offset = 0, unsigned_offset = 0;
  static constexpr int partial_groups = 1;
  static constexpr bool shifts_signed = false;
  using Words = Avx2;  // for int16 times int16
  using SmallWeights = Avx2Nibbles;

  using I32 = Lanes<Avx2>::I32;
  using I64 = Lanes<Avx2>::I64;

  // A left side of ones, for sums.
  static IPTQ_INLINE I32 ones() { return Lanes<Avx2>::splat(0x00010001); }

  static IPTQ_INLINE I32 dot(I32 sum, I32 activations, I32 weights) {
    return Lanes<Avx2>::add(sum, reinterpret_cast<I32>(_mm256_madd_epi16(
        reinterpret_cast<__m256i>(activations),
        reinterpret_cast<__m256i>(weights))));
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

// Weights of 4 bits. vpmaddubsw, unsigned by signed, saturates sums of two
// products at int16; so many groups of four stay far from that:
// 8 * 2 * 15 * 128 = 30720.
struct Avx2Nibbles {
  // A tile of 12 accumulators, as above, does not stay in the registers: gcc
  // loads ahead what these need beside them.
  static constexpr int lanes = 8, group = 4, rows = 2, vectors = 4;
  using Activation = int8_t;
  using Codes = ShiftedNibbles<Avx2Nibbles>;
  static constexpr int signed_offset = 0;
  static constexpr int partial_groups = 8;
  static constexpr bool shifts_signed = false;

  using I32 = Lanes<Avx2Nibbles>::I32;
  using I64 = Lanes<Avx2Nibbles>::I64;

  // A right side of ones, for sums.
  static IPTQ_INLINE I32 ones() {
    return Lanes<Avx2Nibbles>::splat(0x01010101);
  }

  // Sums of int16, two a lane.
  static IPTQ_INLINE I32 partial(I32 sum, I32 activations, I32 weights) {
    return reinterpret_cast<I32>(_mm256_add_epi16(
        reinterpret_cast<__m256i>(sum),
        _mm256_maddubs_epi16(reinterpret_cast<__m256i>(weights),
                             reinterpret_cast<__m256i>(activations))));
  }

  static IPTQ_INLINE I32 widen(I32 sum, I32 partial) {
    return Lanes<Avx2Nibbles>::add(
        sum, reinterpret_cast<I32>(_mm256_madd_epi16(
                 reinterpret_cast<__m256i>(partial), _mm256_set1_epi16(1))));
  }

  static IPTQ_INLINE I32 dot(I32 sum, I32 activations, I32 weights) {
    return widen(sum, partial(I32{}, activations, weights));
  }

  static IPTQ_INLINE I64 multiply_even(I32 x, I32 y) {
    return Avx2::multiply_even(x, y);
  }
};

constexpr Kernels table = kernel_table<Avx2>("avx2");

}  // namespace

constexpr const Kernels* avx2_kernels = &table;

}  // namespace iptq
#else
#include "../kernels.h"
namespace iptq {
constexpr const Kernels* avx2_kernels = nullptr;
}  // namespace iptq
#endif
