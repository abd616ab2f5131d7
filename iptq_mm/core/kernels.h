// What an instruction set offers: a table of kernels on plain memory.
//
// The operators (the .cpp files beside this one) own tensors, checks, threads
// and memory; a kernel does one thread's share of one operator.
#pragma once

#include <cstdint>

namespace iptq {

struct DyadicNumber {
  int32_t m, n;
};

// An int8 weight matrix [columns, inner], repacked for a LinearKernels.
struct PackedWeights {
  int64_t inner, columns;
  const void* data;
  const int32_t* sums;  // of each column
};

// Accumulators to outputs, per column; arrays padded to whole vectors.
struct ColumnScales {
  const int32_t* start;  // bias, and what the packing of the left side adds
  const int32_t* m;
  const int32_t* n;
  bool high;  // whether every n is 32 and more
  int bits;  // width of the result
  bool relu;  // whether what is below 0 becomes 0
};

// Rows of y = requantize(x w + bias) (+ residual), columns [begin, end).
struct LinearTask {
  const int8_t* x;  // [rows, inner]
  int64_t rows;
  PackedWeights weights;
  ColumnScales scales;
  const int16_t* residual;  // [rows, columns], or null
  void* y;                  // [rows, columns], int8, or int16 if bits > 8
  int64_t begin, end;       // begin is a multiple of panel_columns
};

struct LayerNormTask {
  const int16_t* x;  // [rows, channels]
  int64_t rows, channels;
  int64_t eps, headroom;
  int32_t shift;
  const int32_t* m;     // [channels], padded to whole vectors
  const uint64_t* bias;  // as m; in each vector even channels, then odd ones
  int bits;
  void* y;  // [rows, channels], int8, or int16 if bits > 8
};

// y = requantize(x, m, n), |x m 2^-n| < 2^31.
struct RequantizeTask {
  const int16_t* x;  // [rows, channels]
  int64_t rows, channels;
  const int32_t *m, *n;  // [channels], padded to whole vectors
  int bits;
  void* y;  // [rows, channels], int8, or int16 if bits > 8
};

// y = requantize(x, m, n) to 8 bits, times 2^factor, |y| < 2^15.
struct RecodeTask {
  const int16_t* x;  // [rows, channels]
  int64_t rows, channels;
  const int32_t *m, *n, *factor;  // [channels], padded to whole vectors
  int16_t* y;                     // [rows, channels]
};

// Some channels of each row through one table.
struct LookUpTask {
  int64_t rows, count;   // count: channels
  int64_t step;          // from row to row, of codes and of y
  const int8_t* table;   // of all codes, the least first
  const int16_t* codes;  // 10 bits, for look_up_wide
  int8_t* y;             // for look_up the codes, of 8 bits, too
};

// The exponentials of functions/exponential/.
enum class Exponential { bit_exp, shift_exp, i_exp, table_exp };

// What becomes of the exponentials of a row: fractions of their sum (row.py's
// normalize; in attention its codes, divided later), or the nearest powers of
// two (log2_code.py).
enum class Normalization { fractions, powers_of_two };

struct SoftmaxParameters {
  Exponential exponential;
  Normalization normalization;
  int32_t smallest;    // score relative to the maximum of its row
  DyadicNumber scale;  // score -> 24 fractional bits
  int bits;            // of the fractions
  int32_t entries[65];  // of table_exp
};

struct SoftmaxTask {
  const int32_t* x;  // [rows, length], |x| <= 2^24
  int64_t rows, length;
  SoftmaxParameters softmax;
  int32_t* y;        // [rows, length]
  int32_t* scratch;  // [padded length]
};

// One head of one group of tokens.
struct AttentionTask {
  int64_t length, channels, head, head_channels;
  const int8_t* const* tokens;  // q, k, v of each token, 3 * channels each
  int8_t* const* outputs;       // where its channels go; null: nowhere
  const int32_t* bias;  // [length, padded length], `outside` in the padding
  int64_t bias_stride;  // from row to row; 0: one row for all
  const int32_t* regions;  // [padded length], or null: no mask
  int32_t mask;            // added where two tokens' regions differ
  DyadicNumber score, output;
  int bits;
  SoftmaxParameters softmax;
  void* scratch;  // attention_scratch bytes, aligned to 64
};

// How much the rows [first, first + count) of a map (or its columns) count
// for a bin of a box.
struct AxisBin {
  int32_t first, count;
  const int32_t* weights;  // 2^11 for each sample
};

// The features of one box; `roi_align.py` says what they are.
struct RoiAlignTask {
  const int8_t* map;  // [height, width, channels]
  int64_t width, channels;
  int32_t first_row, last_row;  // that any bin uses
  int32_t bins_y, bins_x;
  const AxisBin *rows, *columns;  // of each bin; at most 64 samples each
  int32_t samples;  // of a bin, at most 1024; 1 where there are none
  int8_t* y;        // [bins_y, bins_x, channels]
  void* scratch;    // roi_align_scratch bytes, aligned to 64
};

// Bias of a column that is no token: below every score that is one.
constexpr int32_t outside = -(1 << 26);

// A packing of weights, and the product that reads it.
struct LinearKernels {
  int panel_columns;  // columns of a panel of packed weights
  int signed_offset;  // what is added to int8 codes on the left side

  int64_t (*packed_bytes)(int64_t inner, int64_t columns);
  // `sums` [columns], whole vectors.
  void (*pack)(const int8_t* weight, int64_t inner, int64_t columns,
               void* packed, int32_t* sums);
  // Scratch for `rows` packed rows, and the product itself.
  int64_t (*scratch)(int64_t rows, int64_t inner);
  void (*multiply)(const LinearTask& task, void* scratch);
};

// Weights of 6 bits.
constexpr int least_narrow_weight = -32, largest_narrow_weight = 31;

struct Kernels {
  const char* name;
  int lanes;  // int32 lanes of a vector
  LinearKernels linear;
  LinearKernels narrow_linear;  // faster, or the same; weights of 6 bits
  void (*look_up)(const LookUpTask& task);
  void (*look_up_wide)(const LookUpTask& task);
  void (*layer_norm)(const LayerNormTask& task);
  void (*requantize)(const RequantizeTask& task);
  void (*recode)(const RecodeTask& task);
  void (*softmax)(const SoftmaxTask& task);
  int64_t (*attention_scratch)(int64_t length, int64_t head_channels);
  void (*attention)(const AttentionTask& task);
  int64_t (*roi_align_scratch)(int64_t bins);
  void (*roi_align)(const RoiAlignTask& task);
};

// Null where the compiler cannot make them. Constants: no code fills them, so
// that nothing compiled for an instruction set runs before it was asked for.
extern const Kernels* const baseline_kernels;
extern const Kernels* const avx2_kernels;
extern const Kernels* const avx_vnni_kernels;
extern const Kernels* const avx512_vnni_kernels;
extern const Kernels* const avx512_vbmi_kernels;
extern const Kernels* const amx_int8_kernels;
extern const Kernels* const neon_dot_kernels;
extern const Kernels* const neon_i8mm_kernels;

}  // namespace iptq
