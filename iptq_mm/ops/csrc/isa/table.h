// The kernels, compiled for the instruction set of the file that includes it.
#pragma once

#include "../kernels/attention.h"
#include "../kernels/layer_norm.h"
#include "../kernels/linear.h"
#include "../kernels/look_up.h"
#include "../kernels/recode.h"

namespace iptq {
namespace {

template <class Isa>
int64_t packed_bytes(int64_t inner, int64_t columns) {
  return packed_size<Isa>(inner, columns) *
         static_cast<int64_t>(sizeof(typename Isa::Weight));
}

template <class Isa>
void pack_weights(const int8_t* weight, int64_t inner, int64_t columns,
                  void* packed, int32_t* sums) {
  pack<Isa>({weight, 1, inner}, inner, columns,
            static_cast<typename Isa::Weight*>(packed), sums);
}

template <class Isa>
constexpr LinearKernels linear_kernels() {
  return {Isa::vectors * Isa::lanes, Isa::signed_offset, packed_bytes<Isa>,
          pack_weights<Isa>,         linear_scratch<Isa>, linear<Isa>};
}

template <class Isa>
constexpr Kernels kernel_table(const char* name) {
  return {name,
          Isa::lanes,
          linear_kernels<Isa>(),
          linear_kernels<typename Isa::SmallWeights>(),
          look_up<Isa>,
          layer_norm<Isa>,
          recode<Isa>,
          attention_scratch<Isa>,
          attention<Isa>};
}

}  // namespace
}  // namespace iptq
