// The integer matrix product: int8 x int8 (or uint8 x int8) -> int32, exact.
//
// A tile of `Isa::rows` rows and `Isa::vectors` vectors of columns stays in
// registers over the whole inner dimension. An instruction `Isa::dot` adds to
// each lane the products of a group of `Isa::group` neighbours along it; both
// operands are packed so that a group is one 32-bit word:
//
//   left   [row][inner]                    rows padded to whole groups
//   right  [panel][group][column][group]   panels of Isa::vectors vectors
//
// Padding is zero on the right, so what it meets on the left does not matter.
#pragma once

#include "../vector.h"

namespace iptq {
namespace {

template <class Isa>
constexpr int64_t padded_inner(int64_t inner) {
  return round_up(inner, Isa::group);
}

// Elements of a packed right operand.
template <class Isa>
constexpr int64_t packed_size(int64_t inner, int64_t columns) {
  return padded_inner<Isa>(inner) * round_up(columns, Isa::lanes);
}

// An int8 matrix anywhere in memory.
struct StridedMatrix {
  const int8_t* data;
  int64_t inner_stride, column_stride;

};

// Packs the groups of `count` rows of the matrix that begin at `first`, for
// the columns in [begin, end).
template <class Isa>
IPTQ_INLINE void pack_group(const int8_t* first, int64_t inner_stride,
                            int64_t column_stride, int64_t count,
                            int64_t begin, int64_t end,
                            typename Isa::Weight* packed) {
  for (int64_t column = begin; column < end; ++column)
    for (int64_t k = 0; k < Isa::group; ++k)
      packed[(column - begin) * Isa::group + k] =
          k < count ? first[column * column_stride + k * inner_stride] : 0;
}

// Sums of the columns of a packed panel.
template <class Isa>
IPTQ_INLINE void sum_columns(const typename Isa::Weight* panel, int64_t groups,
                             int64_t width, int32_t* sums) {
  using I32 = typename Lanes<Isa>::I32;
  for (int64_t column = 0; column < width; column += Isa::lanes) {
    I32 sum{};
    for (int64_t g = 0; g < groups; ++g) {
      I32 weights;
      std::memcpy(&weights, panel + (g * width + column) * Isa::group,
                  sizeof(weights));
      sum = Isa::dot(sum, Isa::ones(), weights);
    }
    store(sums + column, sum);
  }
}

// Packs a right operand, and the sum of each of its columns (whole vectors).
template <class Isa>
void pack(const StridedMatrix& matrix, int64_t inner, int64_t columns,
          typename Isa::Weight* packed, int32_t* sums) {
  constexpr int64_t group = Isa::group, panel_width = Isa::vectors * Isa::lanes;
  const int64_t groups = padded_inner<Isa>(inner) / group;
  for (int64_t begin = 0; begin < columns; begin += panel_width) {
    const int64_t end = minimum(begin + panel_width, columns);
    const int64_t width = round_up(end - begin, Isa::lanes);
    for (int64_t g = 0; g < groups; ++g) {
      const int8_t* first = matrix.data + g * group * matrix.inner_stride;
      const int64_t count = minimum(inner - g * group, group);
      auto* to = packed + g * group * width;
      // A stride that is known, and a whole group, make tight loops.
      if (count == group && matrix.inner_stride == 1)
        pack_group<Isa>(first, 1, matrix.column_stride, group, begin, end, to);
      else if (count == group && matrix.column_stride == 1)
        pack_group<Isa>(first, matrix.inner_stride, 1, group, begin, end, to);
      else
        pack_group<Isa>(first, matrix.inner_stride, matrix.column_stride,
                        count, begin, end, to);
      std::memset(to + (end - begin) * group, 0,
                  (width - (end - begin)) * group * sizeof(*to));
    }
    sum_columns<Isa>(packed, groups, width, sums + begin);
    packed += groups * group * width;
  }
}

// Packs a row of a left operand of int8 codes.
template <class Isa>
void pack_row(const int8_t* row, int64_t inner,
              typename Isa::Activation* packed) {
  for (int64_t k = 0; k < inner; ++k)
    packed[k] = static_cast<typename Isa::Activation>(row[k] +
                                                      Isa::signed_offset);
  for (int64_t k = inner; k < padded_inner<Isa>(inner); ++k) packed[k] = 0;
}

// Packed operands of one product.
template <class Isa>
struct Product {
  const typename Isa::Activation* left;
  int64_t left_stride;
  const typename Isa::Weight* right;
  const int32_t* start;  // what the accumulator of each column starts from
  int64_t inner;         // padded to whole groups
  int64_t columns;
};

// One tile. `Result` takes it, a vector at a time:
//   const auto channels = result.channels(column);     once a column
//   result.store(row, column, valid, channels, accumulator);
template <class Isa, int Rows, int Vectors, class Result>
IPTQ_INLINE void multiply_tile(const Product<Isa>& p, int64_t row,
                               int64_t column,
                               const typename Isa::Weight* panel,
                               Result& result) {
  using I32 = typename Lanes<Isa>::I32;
  constexpr int step = Isa::lanes * Isa::group;  // elements of a vector
  const auto* left = p.left + row * p.left_stride;

  I32 accumulator[Rows][Vectors];
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) {
    const I32 start = load<I32>(p.start + column + v * Isa::lanes);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) accumulator[r][v] = start;
  }
  for (int64_t k = 0; k < p.inner; k += Isa::group, panel += Vectors * step) {
    I32 right[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v)
      std::memcpy(&right[v], panel + v * step, sizeof(I32));
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      int32_t group;
      std::memcpy(&group, left + r * p.left_stride + k, sizeof(group));
      const I32 spread = Lanes<Isa>::splat(group);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v)
        accumulator[r][v] = Isa::dot(accumulator[r][v], spread, right[v]);
    }
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
                   int64_t column, const typename Isa::Weight* panel,
                   Result& result) {
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
  multiply_rows<Isa, Isa::rows, Vectors>(p, 0, rows, column,
                                         p.right + column * p.inner, result);
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
