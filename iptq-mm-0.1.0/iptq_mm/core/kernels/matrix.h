// The integer matrix product: int8 x int8 (or uint8 x int8) -> int32, exact.
//
// A tile of `Isa::rows` rows and `Isa::vectors` vectors of columns stays in
// registers over the whole inner dimension. An instruction `Isa::dot` adds to
// each lane the products of a group of `Isa::group` neighbours along it. Where
// an instruction set adds several groups in narrower lanes first
// (`Isa::partial`), it is `Isa::partial_groups` of them before they are
// widened (`Isa::widen`). The operands are packed as packing.h describes; what
// an offset of the codes on the right adds to a row is taken off before. Where
// they are scaled, so are the accumulators.
#pragma once

#include "packing.h"

namespace iptq {
namespace {

// Packed operands of one product.
template <class Isa>
struct Product {
  const typename Isa::Activation* left;
  int64_t left_stride;
  const int32_t* right;
  const int32_t* start;  // what the accumulator of each column starts from
  int64_t inner;         // padded to whole words
  int64_t columns;
  const int32_t* row_start = nullptr;  // the same of each row, for offsets
};

// What a group adds to a lane. Functors, since a lambda that returns a vector
// is a matter of calling conventions.
template <class Isa>
struct AddWide {
  using I32 = typename Lanes<Isa>::I32;
  IPTQ_INLINE I32 operator()(I32 sum, I32 left, I32 right) const {
    return Isa::dot(sum, left, right);
  }
};

template <class Isa>
struct AddPartial {
  using I32 = typename Lanes<Isa>::I32;
  IPTQ_INLINE I32 operator()(I32 sum, I32 left, I32 right) const {
    return Isa::partial(sum, left, right);
  }
};

// Adds the products of the codes [k, end) to each lane of a tile, by `add`.
template <class Isa, int Rows, int Vectors, class Add>
IPTQ_INLINE void add_groups(const Product<Isa>& p,
                            const typename Isa::Activation* left,
                            const int32_t*& panel, int64_t k, int64_t end,
                            typename Lanes<Isa>::I32 (&sums)[Rows][Vectors],
                            const Add& add) {
  using I32 = typename Lanes<Isa>::I32;
  using Codes = typename Isa::Codes;
  for (; k < end; k += Codes::count, panel += Vectors * Isa::lanes) {
    I32 words[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v)
      words[v] = load<I32>(panel + v * Isa::lanes);
#pragma GCC unroll 4
    for (int g = 0; g < Codes::count / Isa::group; ++g) {
      I32 right[Vectors];
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v)
        right[v] = Codes::operand(words[v], g);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        int32_t group;
        std::memcpy(&group, left + r * p.left_stride + k + g * Isa::group,
                    sizeof(group));
        const I32 spread = Lanes<Isa>::splat(group);
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v)
          sums[r][v] = add(sums[r][v], spread, right[v]);
      }
    }
  }
}

// One tile. `Result` takes it, a vector at a time:
//   const auto channels = result.channels(column);     once a column
//   result.store(row, column, valid, channels, accumulator);
template <class Isa, int Rows, int Vectors, class Result>
IPTQ_INLINE void multiply_tile(const Product<Isa>& p, int64_t row,
                               int64_t column,
                               const int32_t* panel, Result& result) {
  using I32 = typename Lanes<Isa>::I32;
  const auto* left = p.left + row * p.left_stride;

  I32 accumulator[Rows][Vectors];
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) {
    const I32 start = load<I32>(p.start + column + v * Isa::lanes)
                      << Isa::Codes::scale_bits;
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      accumulator[r][v] = start;
      if constexpr (Isa::Codes::offset)
        accumulator[r][v] = Lanes<Isa>::add(
            start, Lanes<Isa>::splat(p.row_start[row + r]));
    }
  }
  if constexpr (Isa::partial_groups > 1) {
    constexpr int64_t run = Isa::partial_groups * Isa::group;
    for (int64_t k = 0; k < p.inner; k += run) {
      I32 partial[Rows][Vectors]{};
      add_groups(p, left, panel, k, minimum(k + run, p.inner), partial,
                 AddPartial<Isa>());
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v)
          accumulator[r][v] = Isa::widen(accumulator[r][v], partial[r][v]);
    }
  } else {
    add_groups(p, left, panel, 0, p.inner, accumulator, AddWide<Isa>());
  }
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) {
    const int64_t first = column + v * Isa::lanes;
    const int valid =
        static_cast<int>(minimum<int64_t>(p.columns - first, Isa::lanes));
    const auto channels = result.channels(first);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
      result.store(row + r, first, valid, channels, accumulator[r][v]);
  }
}

// Tiles of a panel downwards, the last one with the rows that are left.
template <class Isa, int Rows, int Vectors, class Result>
void multiply_rows(const Product<Isa>& p, int64_t row, int64_t end,
                   int64_t column, const int32_t* panel, Result& result) {
  for (; row + Rows <= end; row += Rows)
    multiply_tile<Isa, Rows, Vectors>(p, row, column, panel, result);
  if constexpr (Rows > 1)
    if (row < end)
      multiply_rows<Isa, Rows / 2, Vectors>(p, row, end, column, panel,
                                            result);
}

template <class Isa, int Vectors, class Result>
void multiply_panel(const Product<Isa>& p, int64_t rows, int64_t column,
                    int64_t vectors, Result& result) {
  if constexpr (Vectors > 1)
    if (vectors < Vectors)
      return multiply_panel<Isa, Vectors - 1>(p, rows, column, vectors,
                                              result);
  multiply_rows<Isa, Isa::rows, Vectors>(
      p, 0, rows, column, p.right + column * (p.inner / Isa::Codes::count),
      result);
}

// All of `rows` rows and of the columns in [begin, end); begin is the first
// of a panel.
template <class Isa, class Result>
void multiply(const Product<Isa>& p, int64_t rows, int64_t begin, int64_t end,
              Result& result) {
  constexpr int64_t width = Isa::vectors * Isa::lanes;
  for (int64_t column = begin; column < end; column += width) {
    const int64_t left = (end - column + Isa::lanes - 1) / Isa::lanes;
    multiply_panel<Isa, Isa::vectors>(
        p, rows, column, minimum<int64_t>(left, Isa::vectors), result);
  }
}

}  // namespace
}  // namespace iptq
