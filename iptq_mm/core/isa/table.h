// The kernels, compiled for the instruction set of the file that includes it.
#pragma once

#include "../kernels/attention.h"
#include "../kernels/layer_norm.h"
#include "../kernels/linear.h"
#include "../kernels/look_up.h"
#include "../kernels/recode.h"
#include "../kernels/requantize.h"
#include "../kernels/roi_align.h"
#include "../kernels/softmax.h"

namespace iptq {
namespace {

template <class Isa>
int64_t packed_bytes(int64_t inner, int64_t columns) {
  return packed_words<Isa>(inner, columns) *
         static_cast<int64_t>(sizeof(int32_t));
}

template <class Isa>
void pack_weights(const int8_t* weight, int64_t inner, int64_t columns,
                  void* packed, int32_t* sums) {
  pack<Isa>({weight, 1, inner}, inner, columns, static_cast<int32_t*>(packed),
            sums);
}

template <class Isa>
constexpr LinearKernels linear_kernels() {
  return {Isa::vectors * Isa::lanes, Isa::signed_offset,   packed_bytes<Isa>,
          pack_weights<Isa>,         linear_scratch<Isa>, linear<Isa>};
}

template <class Isa>
constexpr Kernels kernel_table(const char* name) {
  return {name,
          Isa::lanes,
          linear_kernels<Isa>(),
          linear_kernels<typename Isa::Narrow>(),
          look_up<Isa>,
          look_up_wide<Isa>,
          layer_norm<Isa>,
          requantize<Isa>,
          recode<Isa>,
          softmax<Isa>,
          attention_scratch<Isa>,
          attention<Isa>,
          roi_align_scratch<Isa>,
          roi_align<Isa>};
}

}  // namespace
}  // namespace iptq
