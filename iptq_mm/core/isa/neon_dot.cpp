// NEON with the dot-product instructions (ARMv8.2 and later: Cortex-A55 and
// A76, Neoverse N1, Apple M1).
#if defined(__aarch64__)
#pragma GCC target("arch=armv8.2-a+dotprod")
#include "neon.h"

namespace iptq {
namespace {

constexpr Kernels table = kernel_table<NeonDot>("neon_dot");

}  // namespace

constexpr const Kernels* neon_dot_kernels = &table;

}  // namespace iptq
#else
#include "../kernels.h"
namespace iptq {
constexpr const Kernels* neon_dot_kernels = nullptr;
}  // namespace iptq
#endif
