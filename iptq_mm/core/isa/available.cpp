#include "available.h"

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace iptq {

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
  offer(avx512_vnni, avx512_vnni_kernels);
  offer(avx512_vnni && __builtin_cpu_supports("avx512vbmi"),
        avx512_vbmi_kernels);
#elif defined(__aarch64__) && defined(__linux__)
  const bool dot = getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
  offer(dot, neon_dot_kernels);
  offer(dot && getauxval(AT_HWCAP2) & HWCAP2_I8MM, neon_i8mm_kernels);
#endif
  return sets;
}

}  // namespace iptq
