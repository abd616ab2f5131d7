#include "dispatch.h"

#include <atomic>
#include <torch/library.h>

#include "isa/available.h"

namespace iptq {
namespace {

const std::vector<const Kernels*>& sets() {
  static const std::vector<const Kernels*> found = available_kernels();
  return found;
}

std::atomic<const Kernels*>& chosen() {
  static std::atomic<const Kernels*> set{sets().back()};
  return set;
}

}  // namespace

const Kernels& kernels() { return *chosen().load(); }

std::vector<std::string> isas() {
  std::vector<std::string> names;
  for (const Kernels* set : sets()) names.emplace_back(set->name);
  return names;
}

void set_isa(const std::string& name) {
  for (const Kernels* set : sets())
    if (name == set->name) {
      chosen() = set;
      return;
    }
  TORCH_CHECK_VALUE(false, "this machine does not run the instruction set '",
                    name, "'; it runs: ", isas());
}

}  // namespace iptq

TORCH_LIBRARY(iptq_native, library) {
  library.def("isa() -> str", [] { return std::string(iptq::kernels().name); });
  library.def("isas() -> str[]", [] { return iptq::isas(); });
  library.def("set_isa(str name) -> ()",
              [](const std::string& name) { iptq::set_isa(name); });
}
