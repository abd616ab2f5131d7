// NEON with the matrix instructions for int8: two rows by two columns, eight
// products each, twice as many as a dot product (ARMv8.6 and later: Neoverse
// V1 and N2, Cortex-A510 and A710, Apple M2).
#if defined(__aarch64__)
#pragma GCC target("arch=armv8.2-a+dotprod+i8mm")
#include "neon.h"

namespace iptq {
namespace {

struct NeonI8mm : NeonDot {
  static constexpr int group = 8, rows = 8, vectors = 2;
  static constexpr bool row_pairs = true;

  static IPTQ_INLINE I32 pair(const int8_t* upper, const int8_t* lower) {
    return reinterpret_cast<I32>(vcombine_s8(vld1_s8(upper), vld1_s8(lower)));
  }

  static IPTQ_INLINE I32 block(I32 sum, I32 activations, I32 weights) {
    return reinterpret_cast<I32>(
        vmmlaq_s32(reinterpret_cast<int32x4_t>(sum),
                   reinterpret_cast<int8x16_t>(activations),
                   reinterpret_cast<int8x16_t>(weights)));
  }

  static IPTQ_INLINE I32 first_halves(I32 x, I32 y) {
    return reinterpret_cast<I32>(vzip1q_s64(reinterpret_cast<int64x2_t>(x),
                                            reinterpret_cast<int64x2_t>(y)));
  }

  static IPTQ_INLINE I32 second_halves(I32 x, I32 y) {
    return reinterpret_cast<I32>(vzip2q_s64(reinterpret_cast<int64x2_t>(x),
                                            reinterpret_cast<int64x2_t>(y)));
  }
};

// For the layers. The products of an attention are small, and their operands
// are packed at each call.
constexpr Kernels with_i8mm(Kernels kernels) {
  kernels.name = "neon_i8mm";
  kernels.linear = kernels.narrow_linear = linear_kernels<NeonI8mm>();
  return kernels;
}

constexpr Kernels table = with_i8mm(kernel_table<NeonDot>("neon_dot"));

}  // namespace

constexpr const Kernels* neon_i8mm_kernels = &table;

}  // namespace iptq
#else
#include "../kernels.h"
namespace iptq {
constexpr const Kernels* neon_i8mm_kernels = nullptr;
}  // namespace iptq
#endif
