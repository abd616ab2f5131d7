/* The integer operators of IPTQ-MM, on plain memory.
 *
 * Every array is dense and in C order unless steps are given; channels come
 * last. What an operator computes, and in which ranges, is said beside its
 * reference in Python: iptq_mm/ops/.
 *
 * A function that can fail gives an iptq_status; iptq_last_error() then says
 * why. Nothing is written to the result of a failed call that a later,
 * successful one would not write as well. No exception leaves the library.
 *
 * Objects (iptq_linear and so on) hold what does not change from call to
 * call: packed weights, tables, parameters. Any number of threads may use one
 * at once; destroying it while it is in use is an error that nobody notices.
 */
#ifndef IPTQ_H
#define IPTQ_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define IPTQ_API __declspec(dllexport)
#else
#define IPTQ_API __attribute__((visibility("default")))
#endif

/* Raised with every change of this file. */
#define IPTQ_INTERFACE 4

typedef enum iptq_status {
  IPTQ_OK = 0,
  IPTQ_UNSUPPORTED = 1, /* sound, but only the reference knows the answer */
  IPTQ_INVALID = 2,     /* an argument that means nothing */
  IPTQ_NO_MEMORY = 3
} iptq_status;

IPTQ_API int iptq_interface(void); /* IPTQ_INTERFACE of the library */

/* Of the last call of this thread that failed. */
IPTQ_API const char* iptq_last_error(void);

/* ---- instruction sets ------------------------------------------------- */

/* Those of this machine that have kernels, the slowest first. */
IPTQ_API int iptq_isa_count(void);
IPTQ_API const char* iptq_isa_name(int index);

/* The one that objects are made for, and operators without objects run: the
 * last unless set. Objects keep theirs. */
IPTQ_API const char* iptq_isa(void);
IPTQ_API iptq_status iptq_set_isa(const char* name);

/* ---- threads ---------------------------------------------------------- */

typedef void (*iptq_task)(void* data, int64_t index);

/* Who runs the parts of a call. `run` calls task(data, i) once for each i in
 * [0, count), in any order and on any threads, and returns when all are done.
 * Results do not depend on it. Null in place of an executor: one thread. */
typedef struct iptq_executor {
  int threads; /* into how many parts a call is cut at most */
  void (*run)(void* self, iptq_task task, void* data, int64_t count);
  void* self;
} iptq_executor;

/* The library's own threads, started at the first call that needs them and,
 * after a fork, again by the child. They sleep when there is nothing to do.
 * The executor lives as long as the process. */
IPTQ_API const iptq_executor* iptq_pool(int threads);

/* The threads of an OpenMP that the process has already, by its functions
 * (libgomp's names, which LLVM's and Intel's have too). Threads of another
 * runtime that wait for work in a loop would leave no processor to the pool's.
 * A child of fork, where those threads are no more, gets the pool. */
typedef struct iptq_openmp {
  void (*GOMP_parallel)(void (*body)(void*), void* data, unsigned threads,
                        unsigned flags);
  int (*omp_get_thread_num)(void);
  int (*omp_get_num_threads)(void);
} iptq_openmp;

/* Of the OpenMP of the first call; lives as long as the process. */
IPTQ_API const iptq_executor* iptq_openmp_threads(const iptq_openmp* openmp,
                                                  int threads);

/* ---- layers with weights ---------------------------------------------- */

typedef struct iptq_linear iptq_linear;

/* weight [outputs, inputs], bias, m, n [outputs]; all are copied. */
IPTQ_API iptq_status iptq_linear_create(int64_t outputs, int64_t inputs,
                                        const int8_t* weight,
                                        const int32_t* bias, const int64_t* m,
                                        const int64_t* n,
                                        iptq_linear** layer);
IPTQ_API void iptq_linear_destroy(iptq_linear* layer);

/* y [rows, outputs]: int8, or int16 if bits > 8. */
IPTQ_API iptq_status iptq_linear_run(const iptq_linear* layer,
                                     const iptq_executor* executor,
                                     const int8_t* x, int64_t rows, int bits,
                                     void* y);
IPTQ_API iptq_status iptq_linear_add(const iptq_linear* layer,
                                     const iptq_executor* executor,
                                     const int8_t* x, int64_t rows,
                                     const int16_t* residual, int16_t* y);

/* A layer of int16 inputs: x = 256 high + (low + 128), two products with the
 * same weights; y int16. m and n are of the lower one; n in [8, 62]. */
typedef struct iptq_linear_wide iptq_linear_wide;

IPTQ_API iptq_status iptq_linear_wide_create(
    int64_t outputs, int64_t inputs, const int8_t* weight,
    const int32_t* bias, const int64_t* m, const int64_t* n,
    iptq_linear_wide** layer);
IPTQ_API void iptq_linear_wide_destroy(iptq_linear_wide* layer);
IPTQ_API iptq_status iptq_linear_wide_run(const iptq_linear_wide* layer,
                                          const iptq_executor* executor,
                                          const int16_t* x, int64_t rows,
                                          int16_t* y);

/* A lowered candidate of GELU, by its name, for groups of channels that end
 * at `ends`: params [groups, count]. in_bits at most 10. */
typedef struct iptq_gelu iptq_gelu;

IPTQ_API iptq_status iptq_gelu_create(const char* name, int64_t groups,
                                      const int64_t* ends, int64_t count,
                                      const int64_t* params, int in_bits,
                                      int bits, iptq_gelu** gelu);
IPTQ_API void iptq_gelu_destroy(iptq_gelu* gelu);

/* Of one group, in_bits at most 8; y may be x. */
IPTQ_API iptq_status iptq_gelu_run(const iptq_gelu* gelu,
                                   const iptq_executor* executor,
                                   const int8_t* x, int64_t count, int8_t* y);
IPTQ_API iptq_status iptq_linear_gelu(const iptq_linear* layer,
                                      const iptq_gelu* gelu,
                                      const iptq_executor* executor,
                                      const int8_t* x, int64_t rows,
                                      int8_t* y);

/* x [B, H, W, C] with a step for each axis; y [B, H', W', outputs]. */
IPTQ_API iptq_status iptq_conv2d(const iptq_linear* layer,
                                 const iptq_executor* executor,
                                 const int8_t* x, const int64_t sizes[4],
                                 const int64_t steps[4], int64_t kernel,
                                 int64_t stride, int64_t padding, int relu,
                                 int bits, void* y);

/* ---- normalization ---------------------------------------------------- */

/* A lowered candidate of LayerNorm: params [rows, channels]. */
typedef struct iptq_layer_norm iptq_layer_norm;

IPTQ_API iptq_status iptq_layer_norm_create(const char* name, int64_t rows,
                                            int64_t channels,
                                            const int64_t* params, int bits,
                                            iptq_layer_norm** norm);
IPTQ_API void iptq_layer_norm_destroy(iptq_layer_norm* norm);
IPTQ_API iptq_status iptq_layer_norm_run(const iptq_layer_norm* norm,
                                         const iptq_executor* executor,
                                         const int16_t* x, int64_t rows,
                                         void* y);

/* x [B, H, W, channels / 4], sizes B, H, W: 2 x 2 tokens become one. */
IPTQ_API iptq_status iptq_merge_layer_norm(const iptq_layer_norm* norm,
                                           const iptq_executor* executor,
                                           const int16_t* x,
                                           const int64_t sizes[3],
                                           int64_t stride, void* y);

/* ---- attention -------------------------------------------------------- */

typedef struct iptq_attention iptq_attention;

/* score, output [heads, 2]; params of the Softmax candidate. */
IPTQ_API iptq_status iptq_attention_create(int64_t channels, int64_t heads,
                                           const int64_t* score,
                                           const char* softmax, int64_t count,
                                           const int64_t* params,
                                           const int64_t* output, int bits,
                                           iptq_attention** attention);
IPTQ_API void iptq_attention_destroy(iptq_attention* attention);

/* qkv [groups, length, 3 * channels], y [groups, length, channels]. */
IPTQ_API iptq_status iptq_attention_run(const iptq_attention* attention,
                                        const iptq_executor* executor,
                                        const int8_t* qkv, int64_t groups,
                                        int64_t length, int8_t* y);

/* qkv [B, H, W, 3 * channels], sizes B, H, W; pad [3 * channels]; table
 * [(2 window - 1)^2, heads]. */
IPTQ_API iptq_status iptq_window_attention(
    const iptq_attention* attention, const iptq_executor* executor,
    const int8_t* qkv, const int64_t sizes[3], const int8_t* pad,
    int64_t window, int64_t shift, const int16_t* table, int32_t mask,
    int8_t* y);

IPTQ_API iptq_status iptq_softmax(const char* name, int64_t count,
                                  const int64_t* params,
                                  const iptq_executor* executor,
                                  const int32_t* x, int64_t rows,
                                  int64_t length, int32_t* y);

/* ---- blocks ------------------------------------------------------------ */

/* The layers of a pre-norm transformer block: of the stream x
 *   x = proj(attention(qkv(norm1(x)))) + x
 *   x = fc2(gelu(fc1(norm2(x)))) + x
 * The objects are the caller's. */
typedef struct iptq_block {
  const iptq_layer_norm* norm1;
  const iptq_linear* qkv;
  const iptq_attention* attention;
  const iptq_linear* proj;
  const iptq_layer_norm* norm2;
  const iptq_linear* fc1;
  const iptq_gelu* gelu;
  const iptq_linear* fc2;
} iptq_block;

/* x, y [groups, length, channels]; `bits` of q, k and v. */
IPTQ_API iptq_status iptq_block_run(const iptq_block* block, int bits,
                                    const iptq_executor* executor,
                                    const int16_t* x, int64_t groups,
                                    int64_t length, int16_t* y);

/* x, y [B, H, W, channels]; all else as for iptq_window_attention. */
IPTQ_API iptq_status iptq_window_block_run(
    const iptq_block* block, int bits, const iptq_executor* executor,
    const int16_t* x, const int64_t sizes[3], const int8_t* pad,
    int64_t window, int64_t shift, const int16_t* table, int32_t mask,
    int16_t* y);

/* ---- elementwise ------------------------------------------------------ */

/* x [rows, channels] of `width` bytes each (1, 2, 4); m, n [ratios], which is
 * 1 or channels. y: int8, or int16 if bits > 8. */
IPTQ_API iptq_status iptq_requantize(const iptq_executor* executor,
                                     const void* x, int width, int64_t rows,
                                     int64_t channels, const int64_t* m,
                                     const int64_t* n, int64_t ratios,
                                     int bits, void* y);

/* x [repeats, period], y [period]. */
IPTQ_API iptq_status iptq_add(const iptq_executor* executor, const int16_t* x,
                              const int16_t* y, int64_t repeats,
                              int64_t period, int16_t* sum);

/* x [images, tokens, channels] with a step for each axis, the last 1; y
 * [images, channels]: the sums over the tokens, at most 65536. */
IPTQ_API iptq_status iptq_sum_tokens(const int16_t* x, const int64_t sizes[3],
                                     const int64_t steps[3], int32_t* y);

/* Values of `width` bytes (1, 2, 4) from x to y, both with a step for each
 * axis, counted in values. */
IPTQ_API iptq_status iptq_copy(int width, int64_t axes, const int64_t* sizes,
                               const void* x, const int64_t* x_steps, void* y,
                               const int64_t* y_steps);

/* ---- borders ------------------------------------------------------------ */

/* Floats to integers at the scale m 2^-n, bits at most 8, and back; q of
 * `width` bytes (1, 2). */
IPTQ_API iptq_status iptq_quantize(const iptq_executor* executor,
                                   const float* x, int64_t count,
                                   const int64_t* m, const int64_t* n,
                                   int bits, int8_t* y);
IPTQ_API iptq_status iptq_dequantize(const iptq_executor* executor,
                                     const void* q, int width, int64_t count,
                                     const int64_t* m, const int64_t* n,
                                     float* y);

/* x [images, channels, height, width] less 128; y as large as whole patches
 * are, where the image ends with padding [channels]. */
IPTQ_API iptq_status iptq_center_pixels(const iptq_executor* executor,
                                        const uint8_t* x,
                                        const int64_t sizes[4], int64_t patch,
                                        const int8_t* padding, int8_t* y);

/* q [images, positions, channels], y [images, channels, positions]. */
IPTQ_API iptq_status iptq_dequantize_maps(const iptq_executor* executor,
                                          const void* q, int width,
                                          int64_t images, int64_t positions,
                                          int64_t channels, const int64_t* m,
                                          const int64_t* n, float* y);

/* ---- recordings --------------------------------------------------------- */

/* A call of a function of this file, from memory to memory: one that ends in
 * _run, or works without an object, boxes and masks excepted. An argument is
 * an integer or an address, as it is, or an offset from a base. */
typedef struct iptq_call {
  const char* function; /* its name */
  int arguments;        /* how many it has */
  const int64_t* words; /* they */
  const int* bases;     /* of each the number of its base, or -1 */
} iptq_call;

/* What a network does to an image of a size: calls made one after the other,
 * with other memory each time. What is not at a base is the caller's, and has
 * to live as long as the recording. */
typedef struct iptq_recording iptq_recording;

IPTQ_API iptq_status iptq_recording_create(int64_t count,
                                           const iptq_call* calls, int bases,
                                           iptq_recording** recording);
IPTQ_API void iptq_recording_destroy(iptq_recording* recording);

/* The status of the first call that fails, or IPTQ_OK. */
IPTQ_API iptq_status iptq_recording_play(const iptq_recording* recording,
                                         void* const* bases);

/* ---- boxes and masks --------------------------------------------------- */

/* boxes [count, 4], here and below. */
IPTQ_API iptq_status iptq_box_levels(const int32_t* boxes, int64_t count,
                                     const int64_t* areas, int64_t levels,
                                     int64_t* y);

/* deltas [count, 4] of `width` bytes (1, 2); m, n [4]; limits [count, 2]. */
IPTQ_API iptq_status iptq_decode_boxes(const int32_t* boxes, int64_t count,
                                       const void* deltas, int width,
                                       const int64_t* m, const int64_t* n,
                                       const int32_t* limits, int32_t* y);

/* Places of the `most` best of scores [count] of `width` bytes (2, 4, 8);
 * most <= count. */
IPTQ_API iptq_status iptq_rank(const void* scores, int width, int64_t count,
                               int64_t most, int64_t* y);

/* Places of those that stay, *kept of at most `count`. */
IPTQ_API iptq_status iptq_nms(const int32_t* boxes, int64_t count,
                              const int64_t* scores, const int64_t* groups,
                              int64_t numerator, int64_t denominator,
                              int64_t* y, int64_t* kept);

/* maps[l] [sizes[3 l], sizes[3 l + 1], sizes[3 l + 2], channels]. */
IPTQ_API iptq_status iptq_roi_align(
    const iptq_executor* executor, int64_t levels, const int8_t* const* maps,
    const int64_t* sizes, const int64_t* strides, int64_t channels,
    const int32_t* boxes, int64_t count, const int64_t* images,
    const int64_t* level, int64_t height, int64_t width, int64_t sampling,
    int8_t* y);

/* probabilities [count, rows, columns] into masks [count, height, width] of an
 * image, which hold zeros: 1 where a pixel is inside. Only pixels in and around
 * a box are written. */
IPTQ_API iptq_status iptq_paste_masks(const iptq_executor* executor,
                                      const int16_t* probabilities,
                                      int64_t count, int64_t rows,
                                      int64_t columns, const int32_t* boxes,
                                      int64_t height, int64_t width,
                                      int64_t threshold, uint8_t* masks);

#ifdef __cplusplus
}
#endif

#endif
