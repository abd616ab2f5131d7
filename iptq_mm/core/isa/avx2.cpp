// AVX2: eight lanes, two products a lane; of narrow weights four.
#if defined(__x86_64__)
#pragma GCC target("avx2")
#include "avx2.h"

namespace iptq {
namespace {

// vpmaddubsw, unsigned by signed, adds two products in 16 bits, and saturates.
// With weights of 6 bits the products of two groups fit: 4 * 255 * 32 = 32640.
struct Avx2Narrow : Avx2Intrinsics {
  // With the operands of two groups beside them, no more accumulators stay in
  // the registers.
  static constexpr int group = 4, rows = 4, vectors = 2;
  using Activation = uint8_t;
  using Weight = int8_t;
  // As with VNNI, int8 codes are moved up by 128.
  static constexpr int signed_offset = 128;
  static constexpr int run = 2;
  static constexpr bool row_pairs = false, tiles = false;

  // A left side of ones, for sums.
  static IPTQ_INLINE I32 ones() {
    return Lanes<Avx2Narrow>::splat(0x01010101);
  }

  // Sums of int16, two a lane.
  static IPTQ_INLINE I32 partial(I32 activations, I32 weights) {
    return reinterpret_cast<I32>(
        _mm256_maddubs_epi16(reinterpret_cast<__m256i>(activations),
                             reinterpret_cast<__m256i>(weights)));
  }

  static IPTQ_INLINE I32 add_partial(I32 x, I32 y) {
    return reinterpret_cast<I32>(_mm256_add_epi16(
        reinterpret_cast<__m256i>(x), reinterpret_cast<__m256i>(y)));
  }

  static IPTQ_INLINE I32 add_widened(I32 sum, I32 partial) {
    return Lanes<Avx2Narrow>::add(
        sum, reinterpret_cast<I32>(_mm256_madd_epi16(
                 reinterpret_cast<__m256i>(partial), _mm256_set1_epi16(1))));
  }

  static IPTQ_INLINE I32 dot(I32 sum, I32 activations, I32 weights) {
    return add_widened(sum, partial(activations, weights));
  }
};

struct Avx2 : Avx2Intrinsics {
  static constexpr int group = 2, rows = 6, vectors = 2;
  // Of any int8, vpmaddwd on 16 bits is exact.
  using Activation = int16_t;
  using Weight = int16_t;
  static constexpr int signed_offset = 0, unsigned_offset = 0;
  static constexpr int run = 1;
  static constexpr bool row_pairs = false, tiles = false;
  using Words = Avx2;  // for int16 times int16
  using Narrow = Avx2Narrow;  // for weights of 6 bits

  // A left side of ones, for sums.
  static IPTQ_INLINE I32 ones() { return Lanes<Avx2>::splat(0x00010001); }

  static IPTQ_INLINE I32 dot(I32 sum, I32 activations, I32 weights) {
    return Lanes<Avx2>::add(sum, reinterpret_cast<I32>(_mm256_madd_epi16(
        reinterpret_cast<__m256i>(activations),
        reinterpret_cast<__m256i>(weights))));
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
