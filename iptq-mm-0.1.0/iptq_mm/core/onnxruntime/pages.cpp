#include <cstdint>
#include <cstdio>

#include "kernel.h"

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace iptq::ort {

#if defined(__linux__) && defined(MADV_PAGEOUT)

namespace {

// Whether memory is that of a file, by the list of all mappings. Other memory
// would have to be written to disk first.
bool is_of_a_file(uintptr_t address) {
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  if (!maps) return false;
  char line[512];
  bool found = false;
  while (!found && std::fgets(line, sizeof(line), maps)) {
    unsigned long begin = 0, end = 0, node = 0;
    found = std::sscanf(line, "%lx-%lx %*s %*s %*s %lu", &begin, &end,
                        &node) == 3 &&
            begin <= address && address < end && node;
  }
  std::fclose(maps);
  return found;
}

}  // namespace

void give_back(const Tensor& constant) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  // Whole pages only: others share the rest.
  const auto begin = reinterpret_cast<uintptr_t>(constant.data);
  const uintptr_t end = begin + static_cast<uintptr_t>(constant.bytes());
  const uintptr_t first = (begin + page - 1) / page * page;
  const uintptr_t last = end / page * page;
  // Advice, unlike MADV_DONTNEED: nothing is lost that was written to.
  if (first < last && is_of_a_file(first))
    madvise(reinterpret_cast<void*>(first), last - first, MADV_PAGEOUT);
}

#else

void give_back(const Tensor&) {}

#endif

}  // namespace iptq::ort
