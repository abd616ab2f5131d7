// Re-coding to 8 bits with a Power-of-Two Factor a channel: the first half of
// functions/layernorm/ptf_layernorm.py.
#pragma once

#include "../kernels.h"
#include "dyadic.h"

namespace iptq {
namespace {

template <class Isa>
void recode(const RecodeTask& task) {
  using T = Lanes<Isa>;
  using I16 = typename T::I16;
  using I32 = typename T::I32;
  for (int64_t c = 0; c < task.channels; c += T::count) {
    const Dyadic<Isa> scale(load<I32>(task.m + c), load<I32>(task.n + c));
    const I32 factor = load<I32>(task.factor + c);
    const auto run = [&](const auto& part) IPTQ_INLINE_LAMBDA {
      for (int64_t row = 0; row < task.rows; ++row) {
        const int64_t at = row * task.channels + c;
        const I32 x = T::widen(part.template load<I16>(task.x + at));
        part.store(task.y + at, __builtin_convertvector(
                                    T::saturate(scale(x), 127) << factor, I16));
      }
    };
    if (c + T::count <= task.channels)
      run(WholeVector{});
    else
      run(FirstLanes{static_cast<int>(task.channels - c)});
  }
}

}  // namespace
}  // namespace iptq
