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
    const int valid =
        static_cast<int>(minimum<int64_t>(task.channels - c, T::count));
    const Dyadic<Isa> scale(load<I32>(task.m + c), load<I32>(task.n + c));
    const I32 factor = load<I32>(task.factor + c);
    const auto recoded = [&](I16 x) {
      const I32 q = T::saturate(scale(__builtin_convertvector(x, I32)), 127);
      return __builtin_convertvector(q << factor, I16);
    };
    for (int64_t row = 0; row < task.rows; ++row) {
      const int64_t at = row * task.channels + c;
      if (valid == T::count)
        store(task.y + at, recoded(load<I16>(task.x + at)));
      else
        store_first(task.y + at, recoded(load_first<I16>(task.x + at, valid)),
                    valid);
    }
  }
}

}  // namespace
}  // namespace iptq
