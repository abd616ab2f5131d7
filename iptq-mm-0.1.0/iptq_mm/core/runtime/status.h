// How a call of the C interface ends.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include "../include/iptq.h"

namespace iptq {

// What only the reference knows an answer to.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void set_last_error(const char* text) noexcept;

// Runs `call`, whose exceptions become statuses.
template <class Call>
iptq_status guarded(const Call& call) noexcept {
  try {
    call();
    return IPTQ_OK;
  } catch (const Unsupported& error) {
    set_last_error(error.what());
    return IPTQ_UNSUPPORTED;
  } catch (const std::invalid_argument& error) {
    set_last_error(error.what());
    return IPTQ_INVALID;
  } catch (const std::exception& error) {  // bad_alloc, length_error
    set_last_error(error.what());
    return IPTQ_NO_MEMORY;
  }
}

// A message is made only where it is needed: calls are many and short.
inline void supported(bool holds, const char* what) {
  if (!holds) throw Unsupported(what);
}

// Throws what a call inside of another has ended with.
inline void succeeded(iptq_status status) {
  switch (status) {
    case IPTQ_OK:
      return;
    case IPTQ_UNSUPPORTED:
      throw Unsupported(iptq_last_error());
    case IPTQ_INVALID:
      throw std::invalid_argument(iptq_last_error());
    case IPTQ_NO_MEMORY:
      throw std::bad_alloc();
  }
}

inline void valid(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

}  // namespace iptq
