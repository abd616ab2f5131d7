// AVX2: eight lanes, two products a lane.
#if defined(__x86_64__)
#pragma GCC target("avx2")
#include <immintrin.h>
#include "table.h"

namespace iptq {
namespace {

struct Avx2 {
  static constexpr int lanes = 8, group = 2, rows = 6, vectors = 2;
  // vpmaddubsw, which takes bytes, saturates; vpmaddwd is exact.
  using Activation = int16_t;
  using Weight = int16_t;
  static constexpr int signed_offset = 0, unsigned_offset = 0;

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

}  // namespace

const Kernels* avx2_kernels() {
  static constexpr Kernels kernels = kernel_table<Avx2>("avx2");
  return &kernels;
}

}  // namespace iptq
#else
#include "../kernels.h"
namespace iptq {
const Kernels* avx2_kernels() { return nullptr; }
}  // namespace iptq
#endif
