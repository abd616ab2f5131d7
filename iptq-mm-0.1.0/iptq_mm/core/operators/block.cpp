// block and window_block: the layers of a transformer block one after the
// other, on memory that they share.
#include <algorithm>

#include "../layer.h"
#include "../runtime/memory.h"
#include "../runtime/status.h"
#include "attention.h"
#include "layer_norm.h"

namespace iptq {
namespace {

bool maps(const iptq_linear& layer, int64_t inputs, int64_t outputs) {
  return layer.weights.inner == inputs && layer.weights.columns == outputs;
}

// Whether each layer gives what the next one takes.
bool fit(const iptq_block& block) {
  const int64_t channels = block.attention->common.channels;
  const int64_t hidden = block.fc1->weights.columns;
  const auto normalizes = [&](const iptq_layer_norm& norm) {
    return norm.common.channels == channels && norm.common.bits <= 8;
  };
  return normalizes(*block.norm1) && maps(*block.qkv, channels, 3 * channels) &&
         maps(*block.proj, channels, channels) && normalizes(*block.norm2) &&
         maps(*block.fc1, channels, hidden) &&
         maps(*block.fc2, hidden, channels);
}

// y = the block of x, both [rows, channels]; attend(qkv, context) gives the
// status of the attention.
template <class Attend>
void run(const iptq_block& block, int bits, const iptq_executor* executor,
         const int16_t* x, int64_t rows, const Attend& attend, int16_t* y) {
  valid(fit(block), "the layers are not those of one block");
  supported(bits >= 2 && bits <= 8, "a block of other widths");
  if (rows < 1) return;
  const int64_t channels = block.attention->common.channels;
  const int64_t widest =
      std::max(3 * channels, block.fc1->weights.columns);
  const Scratch narrow_memory(rows * channels);
  const Scratch wide_memory(rows * widest);
  auto* narrow = static_cast<int8_t*>(narrow_memory.get());
  auto* wide = static_cast<int8_t*>(wide_memory.get());
  succeeded(iptq_layer_norm_run(block.norm1, executor, x, rows, narrow));
  succeeded(iptq_linear_run(block.qkv, executor, narrow, rows, bits, wide));
  succeeded(attend(wide, narrow));
  succeeded(iptq_linear_add(block.proj, executor, narrow, rows, x, y));
  succeeded(iptq_layer_norm_run(block.norm2, executor, y, rows, narrow));
  succeeded(iptq_linear_gelu(block.fc1, block.gelu, executor, narrow, rows,
                             wide));
  succeeded(iptq_linear_add(block.fc2, executor, wide, rows, y, y));
}

}  // namespace
}  // namespace iptq

iptq_status iptq_block_run(const iptq_block* block, int bits,
                           const iptq_executor* executor, const int16_t* x,
                           int64_t groups, int64_t length, int16_t* y) {
  return iptq::guarded([&] {
    iptq::run(
        *block, bits, executor, x, groups * length,
        [&](const int8_t* qkv, int8_t* context) {
          return iptq_attention_run(block->attention, executor, qkv, groups,
                                    length, context);
        },
        y);
  });
}

iptq_status iptq_window_block_run(const iptq_block* block, int bits,
                                  const iptq_executor* executor,
                                  const int16_t* x, const int64_t sizes[3],
                                  const int8_t* pad, int64_t window,
                                  int64_t shift, const int16_t* table,
                                  int32_t mask, int16_t* y) {
  return iptq::guarded([&] {
    iptq::run(
        *block, bits, executor, x, sizes[0] * sizes[1] * sizes[2],
        [&](const int8_t* qkv, int8_t* context) {
          return iptq_window_attention(block->attention, executor, qkv, sizes,
                                       pad, window, shift, table, mask,
                                       context);
        },
        y);
  });
}
