// window_attention and attention: windows as addresses, threads, memory.
#include <algorithm>
#include <optional>
#include <type_traits>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "dispatch.h"
#include "memory.h"
#include "reference.h"

namespace iptq {
namespace {

using at::Tensor;

bool is_dyadic(const Tensor& number) {
  return number.scalar_type() == at::kLong && number.dim() == 1 &&
         number.size(0) == 2;
}

// m 2^-n in the form of the kernels, if it keeps every |x| <= reach in int32.
std::optional<DyadicNumber> dyadic(const int64_t* number, int64_t reach) {
  const int64_t m = number[0], n = number[1];
  if (m < 0 || m >= int64_t{1} << 31 || n < 0 || n > 62 ||
      (n < 31 && reach >= int64_t{1} << n))
    return {};
  return DyadicNumber{static_cast<int32_t>(m), static_cast<int32_t>(n)};
}

std::optional<Exponential> exponential(c10::string_view softmax) {
  if (softmax == "bit_softmax") return Exponential::bit_exp;
  if (softmax == "shiftmax") return Exponential::shift_exp;
  if (softmax == "i_softmax") return Exponential::i_exp;
  if (softmax == "table_softmax") return Exponential::table_exp;
  return {};
}

std::optional<SoftmaxParameters> softmax_parameters(c10::string_view name,
                                                    const Tensor& params) {
  constexpr int64_t entries = std::extent_v<decltype(
      SoftmaxParameters::entries)>;
  const auto kind = exponential(name);
  const bool has_table = kind == Exponential::table_exp;
  if (!kind || params.scalar_type() != at::kLong || params.dim() != 1 ||
      params.size(0) != 4 + has_table * entries || !params.is_contiguous())
    return {};
  const int64_t* values = params.const_data_ptr<int64_t>();
  // Scores lie within 2^25 of the maximum of their row.
  const int64_t smallest = std::max<int64_t>(values[0], -(1 << 26));
  const auto scale = dyadic(values + 1, 0);
  const int64_t bits = values[3];
  // Exponents must lie in (-2^30, 0].
  if (!scale || smallest > 0 || bits < 1 || bits > 8 ||
      (-smallest * scale->m) >> scale->n >= 1 << 30)
    return {};
  SoftmaxParameters result{
      *kind, static_cast<int32_t>(smallest), *scale, static_cast<int>(bits), {}};
  if (has_table) {
    const auto is_entry = [](int64_t x) { return x >= 1 << 24 && x <= 1 << 25; };
    if (!std::all_of(values + 4, values + 4 + entries, is_entry)) return {};
    std::copy_n(values + 4, entries, result.entries);
  }
  return result;
}

// What the tasks of one call have in common; none where only the reference
// knows an answer.
std::optional<AttentionTask> common(int64_t length, int64_t channels,
                                    int64_t heads, const Tensor& score,
                                    c10::string_view softmax,
                                    const Tensor& params, const Tensor& output,
                                    int64_t bits) {
  if (heads < 1 || channels % heads || length > 4096 || bits < 2 || bits > 8 ||
      !is_dyadic(score) || !is_dyadic(output))
    return {};
  const int64_t width = channels / heads;
  const Tensor scores = score.contiguous(), outputs = output.contiguous();
  const auto to_score =
      dyadic(scores.const_data_ptr<int64_t>(), width * 128 * 128);
  const auto to_output =
      dyadic(outputs.const_data_ptr<int64_t>(), length * 255 * 128);
  const auto parameters = softmax_parameters(softmax, params);
  if (!to_score || !to_output || !parameters) return {};
  AttentionTask task{};
  task.length = length;
  task.channels = channels;
  task.head_channels = width;
  task.score = *to_score;
  task.output = *to_output;
  task.bits = static_cast<int>(bits);
  task.softmax = *parameters;
  return task;
}

// Bias rows in whole vectors, the padding `outside`.
class Bias {
 public:
  // int16 [heads, N, N].
  Bias(const Tensor& bias, int lanes)
      : length_(bias.size(1)), stride_(round_up(length_, lanes)),
        values_(bias.size(0) * length_ * stride_, outside) {
    const auto from = bias.accessor<int16_t, 3>();
    at::parallel_for(0, bias.size(0) * length_, 64, [&](int64_t begin,
                                                        int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        for (int64_t i = 0; i < length_; ++i)
          values_[row * stride_ + i] = from[row / length_][row % length_][i];
    });
  }

  // None: one row of zeros for all.
  Bias(int64_t length, int lanes)
      : length_(length), stride_(0), values_(round_up(length, lanes), outside) {
    std::fill_n(values_.begin(), length, 0);
  }

  void set(AttentionTask& task) const {
    task.bias = values_.data() + task.head * length_ * stride_;
    task.bias_stride = stride_;
  }

 private:
  static int64_t round_up(int64_t x, int64_t multiple) {
    return (x + multiple - 1) / multiple * multiple;
  }

  int64_t length_, stride_;
  std::vector<int32_t> values_;
};

// The windows of a batch of images, numbered as `window_partition` does.
class Windows {
 public:
  Windows(int64_t height, int64_t width, int64_t window, int64_t shift)
      : height_(height), width_(width), window_(window), shift_(shift),
        rows_((height + window - 1) / window),
        columns_((width + window - 1) / window) {}

  int64_t per_image() const { return rows_ * columns_; }

  // Calls visit(token, row, column) for each token of a window, with the
  // place it had before the shift; beyond the image for padding.
  template <class Visit>
  void each_token(int64_t number, const Visit& visit) const {
    const int64_t top = number / columns_ % rows_ * window_;
    const int64_t left = number % columns_ * window_;
    for (int64_t i = 0; i < window_; ++i)
      for (int64_t j = 0; j < window_; ++j)
        visit(i * window_ + j, (top + i + shift_) % (rows_ * window_),
              (left + j + shift_) % (columns_ * window_));
  }

  bool inside(int64_t row, int64_t column) const {
    return row < height_ && column < width_;
  }

  // Only windows of the last row or column hold more than one region.
  bool has_regions(int64_t number) const {
    return shift_ && (number / columns_ % rows_ == rows_ - 1 ||
                      number % columns_ == columns_ - 1);
  }

  // `shift_regions` of the reference, by the place before the shift: there
  // the last region is the part that the shift brought round.
  int32_t region(int64_t number, int64_t row, int64_t column) const {
    const bool last_row = number / columns_ % rows_ == rows_ - 1;
    const bool last_column = number % columns_ == columns_ - 1;
    return (last_row + (last_row && row < shift_)) * 3 + last_column +
           (last_column && column < shift_);
  }

 private:
  int64_t height_, width_, window_, shift_, rows_, columns_;
};

// Addresses of the tokens of one group.
struct Tokens {
  std::vector<const int8_t*> from;
  std::vector<int8_t*> to;
  std::vector<int32_t> regions;

  Tokens(int64_t length, int lanes)
      : from(length), to(length), regions(length + lanes) {}
};

// Runs every head of every group; locate(group, tokens, task) says where the
// tokens of a group are.
template <class Locate>
void run(const AttentionTask& common, int64_t groups, int64_t heads,
         const Bias& bias, const Kernels& kernels, const Locate& locate) {
  at::parallel_for(0, groups * heads, 1, [&](int64_t begin, int64_t end) {
    const Scratch scratch(
        kernels.attention_scratch(common.length, common.head_channels));
    Tokens tokens(common.length, kernels.lanes);
    AttentionTask task = common;
    task.tokens = tokens.from.data();
    task.outputs = tokens.to.data();
    task.scratch = scratch.get();
    int64_t located = -1;
    for (int64_t i = begin; i < end; ++i) {
      if (i / heads != located) {
        located = i / heads;
        locate(located, tokens, task);
      }
      task.head = i % heads;
      bias.set(task);
      kernels.attention(task);
    }
  });
}

Tensor attention(const Tensor& qkv, int64_t heads, const Tensor& score,
                 c10::string_view softmax, const Tensor& params,
                 const Tensor& output, int64_t bits) {
  std::optional<AttentionTask> task;
  if (qkv.dim() == 3 && qkv.scalar_type() == at::kChar && qkv.numel() > 0 &&
      qkv.size(2) % 3 == 0)
    task = common(qkv.size(1), qkv.size(2) / 3, heads, score, softmax, params,
                  output, bits);
  if (!task) {
    static const auto fallback =
        reference<decltype(attention)>("iptq_reference::attention");
    return fallback.call(qkv, heads, score, softmax, params, output, bits);
  }
  const Kernels& set = kernels();
  const Tensor input = qkv.contiguous();
  const int64_t length = task->length, channels = task->channels;
  Tensor context = at::empty({qkv.size(0), length, channels}, qkv.options());
  const auto* from = input.const_data_ptr<int8_t>();
  auto* to = context.data_ptr<int8_t>();
  run(*task, qkv.size(0), heads, Bias(length, set.lanes), set,
      [&](int64_t group, Tokens& tokens, AttentionTask&) {
        for (int64_t i = 0; i < length; ++i) {
          const int64_t token = group * length + i;
          tokens.from[i] = from + token * 3 * channels;
          tokens.to[i] = to + token * channels;
        }
      });
  return context;
}

Tensor window_attention(const Tensor& qkv, const Tensor& pad, int64_t heads,
                        int64_t window, int64_t shift, const Tensor& bias,
                        const Tensor& mask, const Tensor& score,
                        c10::string_view softmax, const Tensor& params,
                        const Tensor& output, int64_t bits) {
  std::optional<AttentionTask> task;
  const int64_t length = window * window;
  if (qkv.dim() == 4 && qkv.scalar_type() == at::kChar && qkv.numel() > 0 &&
      qkv.size(3) % 3 == 0 && window >= 1 && shift >= 0 && shift < window &&
      pad.scalar_type() == at::kChar && pad.dim() == 1 &&
      pad.size(0) == qkv.size(3) && bias.scalar_type() == at::kShort &&
      bias.sizes() == at::IntArrayRef({heads, length, length}) &&
      mask.scalar_type() == at::kInt && mask.numel() == 1)
    task = common(length, qkv.size(3) / 3, heads, score, softmax, params,
                  output, bits);
  if (!task) {
    static const auto fallback = reference<decltype(window_attention)>(
        "iptq_reference::window_attention");
    return fallback.call(qkv, pad, heads, window, shift, bias, mask, score,
                         softmax, params, output, bits);
  }
  const Kernels& set = kernels();
  task->mask = mask.item<int32_t>();
  const Tensor input = qkv.contiguous(), padding = pad.contiguous();
  const int64_t height = qkv.size(1), width = qkv.size(2);
  const int64_t channels = task->channels;
  Tensor context =
      at::empty({qkv.size(0), height, width, channels}, qkv.options());
  const Windows windows(height, width, window, shift);
  const auto* from = input.const_data_ptr<int8_t>();
  const auto* pad_token = padding.const_data_ptr<int8_t>();
  auto* to = context.data_ptr<int8_t>();

  const auto locate = [&](int64_t number, Tokens& tokens,
                          AttentionTask& task) {
    const int64_t image = number / windows.per_image();
    task.regions =
        windows.has_regions(number) ? tokens.regions.data() : nullptr;
    windows.each_token(number, [&](int64_t token, int64_t row,
                                   int64_t column) {
      const int64_t place = (image * height + row) * width + column;
      const bool inside = windows.inside(row, column);
      tokens.from[token] =
          inside ? from + place * 3 * channels : pad_token;
      tokens.to[token] = inside ? to + place * channels : nullptr;
      tokens.regions[token] = windows.region(number, row, column);
    });
  };
  run(*task, qkv.size(0) * windows.per_image(), heads,
      Bias(bias, set.lanes), set, locate);
  return context;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) {
  library.impl("attention", attention);
  library.impl("window_attention", window_attention);
}

}  // namespace iptq
