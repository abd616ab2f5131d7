// Rows of int16 at another scale.
#pragma once

#include "../kernels.h"
#include "dyadic.h"

namespace iptq {
namespace {

template <class Isa, class Out>
void requantize_to(const RequantizeTask& task) {
  using T = Lanes<Isa>;
  using I32 = typename T::I32;
  const int32_t limit = (1 << (task.bits - 1)) - 1;
  for (int64_t c = 0; c < task.channels; c += T::count) {
    const Dyadic<Isa> scale(load<I32>(task.m + c), load<I32>(task.n + c));
    const auto run = [&](const auto& part) IPTQ_INLINE_LAMBDA {
      for (int64_t row = 0; row < task.rows; ++row) {
        const int64_t at = row * task.channels + c;
        const I32 x =
            T::widen(part.template load<typename T::I16>(task.x + at));
        part.store(static_cast<Out*>(task.y) + at,
                   T::template clamped<Out>(scale(x), -limit, limit));
      }
    };
    if (c + T::count <= task.channels)
      run(WholeVector{});
    else
      run(FirstLanes{static_cast<int>(task.channels - c)});
  }
}

template <class Isa>
void requantize(const RequantizeTask& task) {
  if (task.bits > 8)
    requantize_to<Isa, int16_t>(task);
  else
    requantize_to<Isa, int8_t>(task);
}

}  // namespace
}  // namespace iptq
