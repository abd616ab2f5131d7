// The references, for what the kernels leave to them: unusual shapes, dtypes
// and candidates. `native.py` offers each as `iptq_reference::NAME`.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

namespace iptq {

template <class Operator>
auto reference(const char* name) {
  return c10::Dispatcher::singleton()
      .findSchemaOrThrow(name, "")
      .typed<Operator>();
}

}  // namespace iptq
