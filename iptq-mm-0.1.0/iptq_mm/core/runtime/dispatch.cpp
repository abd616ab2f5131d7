#include "dispatch.h"

#include <atomic>
#include <cstring>
#include <vector>

#include "../isa/available.h"
#include "status.h"

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

}  // namespace iptq

int iptq_isa_count(void) { return static_cast<int>(iptq::sets().size()); }

const char* iptq_isa_name(int index) {
  return index >= 0 && index < iptq_isa_count() ? iptq::sets()[index]->name
                                                : nullptr;
}

const char* iptq_isa(void) { return iptq::kernels().name; }

iptq_status iptq_set_isa(const char* name) {
  for (const iptq::Kernels* set : iptq::sets())
    if (std::strcmp(name, set->name) == 0) {
      iptq::chosen() = set;
      return IPTQ_OK;
    }
  iptq::set_last_error("this machine does not run that instruction set");
  return IPTQ_INVALID;
}
