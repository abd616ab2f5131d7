// AVX-512 with VNNI (Ice Lake, Zen 4), and with VBMI.
#if defined(__x86_64__)
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,bmi2")
#include "avx512.h"

namespace iptq {
namespace {

constexpr Kernels table = kernel_table<Avx512Vnni>("avx512_vnni");
constexpr Kernels vbmi_table = with_vbmi(table);

}  // namespace

constexpr const Kernels* avx512_vnni_kernels = &table;
constexpr const Kernels* avx512_vbmi_kernels = &vbmi_table;

}  // namespace iptq
#else
#include "../kernels.h"
namespace iptq {
constexpr const Kernels* avx512_vnni_kernels = nullptr;
constexpr const Kernels* avx512_vbmi_kernels = nullptr;
}  // namespace iptq
#endif
