#include "available.h"

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace iptq {
namespace {

// Whether the machine has tiles, and the operating system lets this process
// use them.
bool has_amx_int8() {
#if defined(IPTQ_EMULATED_TILES)
  return true;
#elif defined(__x86_64__) && defined(__linux__)
  constexpr unsigned tile = 1u << 24, int8 = 1u << 25;
  constexpr long request = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & tile) &&
         (d & int8) && syscall(SYS_arch_prctl, request, tile_data) == 0;
#else
  return false;
#endif
}

}  // namespace

std::vector<const Kernels*> available_kernels() {
  std::vector<const Kernels*> sets{baseline_kernels};
  const auto offer = [&](bool runs, const Kernels* kernels) {
    if (runs && kernels) sets.push_back(kernels);
  };
#if defined(__x86_64__)
  // The compiler's check asks the operating system too (xgetbv): registers
  // that it does not save are as good as none.
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2");
  const bool avx512_vnni = __builtin_cpu_supports("avx512f") &&
                           __builtin_cpu_supports("avx512bw") &&
                           __builtin_cpu_supports("avx512dq") &&
                           __builtin_cpu_supports("avx512vl") &&
                           __builtin_cpu_supports("avx512vnni") &&
                           __builtin_cpu_supports("bmi2");
  offer(avx2, avx2_kernels);
  offer(avx2 && __builtin_cpu_supports("avxvnni"), avx_vnni_kernels);
  const bool vbmi = avx512_vnni && __builtin_cpu_supports("avx512vbmi");
  // Before those that it should be faster than: chosen only by who asks for
  // it, as long as no machine that has it has run it.
  offer(vbmi && has_amx_int8(), amx_int8_kernels);
  offer(avx512_vnni, avx512_vnni_kernels);
  offer(vbmi, avx512_vbmi_kernels);
#elif defined(__aarch64__) && defined(__linux__)
  const bool dot = getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
  offer(dot, neon_dot_kernels);
  offer(dot && getauxval(AT_HWCAP2) & HWCAP2_I8MM, neon_i8mm_kernels);
#endif
  return sets;
}

}  // namespace iptq
