// AVX2 with VNNI: eight lanes, four products a lane (Alder Lake, Zen 5).
#if defined(__x86_64__)
#pragma GCC target("avx2,avxvnni")
#include "avx2.h"
#include "vnni.h"

namespace iptq {
namespace {

struct AvxVnniIntrinsics : Avx2Intrinsics {
  static constexpr int rows = 6, vectors = 2;

  static IPTQ_INLINE I32 dot_words(I32 sum, I32 x, I32 y) {
    return reinterpret_cast<I32>(_mm256_dpwssd_avx_epi32(
        reinterpret_cast<__m256i>(sum), reinterpret_cast<__m256i>(x),
        reinterpret_cast<__m256i>(y)));
  }

  static IPTQ_INLINE I32 dot_bytes(I32 sum, I32 x, I32 y) {
    return reinterpret_cast<I32>(_mm256_dpbusd_avx_epi32(
        reinterpret_cast<__m256i>(sum), reinterpret_cast<__m256i>(x),
        reinterpret_cast<__m256i>(y)));
  }
};

using AvxVnni = VnniBytes<AvxVnniIntrinsics>;

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
