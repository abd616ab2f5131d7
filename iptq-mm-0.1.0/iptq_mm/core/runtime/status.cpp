#include "status.h"

#include <cstring>

namespace iptq {
namespace {

// Not a string: out of memory there would be none for it either.
thread_local char last_error[256] = "";

}  // namespace

void set_last_error(const char* text) noexcept {
  std::strncpy(last_error, text, sizeof(last_error) - 1);
}

}  // namespace iptq

int iptq_interface(void) { return IPTQ_INTERFACE; }

const char* iptq_last_error(void) { return iptq::last_error; }
