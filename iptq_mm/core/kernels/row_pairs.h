// Tiles for instructions that multiply two rows by two columns at once
// (`Isa::row_pairs`): `Isa::block` adds to the four lanes of a vector what a
// group of each gives.
//
// Until the end, the accumulators of rows r and r + 1 hold both rows of the
// first two columns and both rows of the other two.
#pragma once

#include "packing.h"

namespace iptq {
namespace {

// From what a vector of columns starts.
template <class Isa, int Vectors>
IPTQ_INLINE void start_pair(typename Lanes<Isa>::I32 start, int v,
                            typename Lanes<Isa>::I32 (&upper)[Vectors],
                            typename Lanes<Isa>::I32 (&lower)[Vectors]) {
  upper[v] = Isa::first_halves(start, start);
  lower[v] = Isa::second_halves(start, start);
}

// Adds the products of a group. Of a tile of one row, both of a pair are it.
template <class Isa, int Rows, int Vectors, int Held>
IPTQ_INLINE void add_blocks(const typename Isa::Activation* left,
                            int64_t left_stride, const int32_t* panel,
                            typename Lanes<Isa>::I32 (&sums)[Held][Vectors]) {
  using I32 = typename Lanes<Isa>::I32;
  I32 right[Vectors][2];
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v)
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half)
      right[v][half] = load<I32>(panel + (2 * v + half) * Isa::lanes);
#pragma GCC unroll 8
  for (int r = 0; r < Rows; r += 2) {
    const auto* row = left + r * left_stride;
    const I32 pair = Isa::pair(row, r + 1 < Rows ? row + left_stride : row);
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      sums[r][v] = Isa::block(sums[r][v], pair, right[v][0]);
      sums[r + 1][v] = Isa::block(sums[r + 1][v], pair, right[v][1]);
    }
  }
}

// A row to a vector.
template <class Isa>
IPTQ_INLINE void untangle(typename Lanes<Isa>::I32& upper,
                          typename Lanes<Isa>::I32& lower) {
  const auto first = Isa::first_halves(upper, lower);
  lower = Isa::second_halves(upper, lower);
  upper = first;
}

}  // namespace
}  // namespace iptq
