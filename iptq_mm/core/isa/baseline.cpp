// What every machine of the architecture has, no intrinsics: four lanes that
// the compiler maps to SSE2, NEON or scalar code.
#include "table.h"

namespace iptq {
namespace {

struct Baseline {
  static constexpr int lanes = 4, group = 2, rows = 4, vectors = 2;
  using Activation = int16_t;
  using Weight = int16_t;
  static constexpr int signed_offset = 0, unsigned_offset = 0;
  static constexpr int run = 1;
  static constexpr bool row_pairs = false, tiles = false;
  static constexpr bool shifts_signed = false, narrows = false;
  using Words = Baseline;  // for int16 times int16
  using Narrow = Baseline;  // for weights of 6 bits

  using I32 = Lanes<Baseline>::I32;
  using U32 = Lanes<Baseline>::U32;
  using I64 = Lanes<Baseline>::I64;

  // A left side of ones, for sums.
  static IPTQ_INLINE I32 ones() { return Lanes<Baseline>::splat(0x00010001); }

  static IPTQ_INLINE I32 dot(I32 sum, I32 activations, I32 weights) {
    return Lanes<Baseline>::add(
        sum, Lanes<Baseline>::add(low(activations) * low(weights),
                                  (activations >> 16) * (weights >> 16)));
  }

  static IPTQ_INLINE I64 multiply_even(I32 x, I32 y) {
    return I64{int64_t{x[0]} * y[0], int64_t{x[2]} * y[2]};
  }

  static IPTQ_INLINE I32 gather(const int32_t* from, I32 index) {
    return I32{from[index[0]], from[index[1]], from[index[2]],
               from[index[3]]};
  }

 private:
  // The first int16 of each pair (the second on big-endian machines).
  static IPTQ_INLINE I32 low(I32 pair) {
    return reinterpret_cast<I32>(reinterpret_cast<U32>(pair) << 16) >> 16;
  }
};

constexpr Kernels table = kernel_table<Baseline>("baseline");

}  // namespace

constexpr const Kernels* baseline_kernels = &table;

}  // namespace iptq
