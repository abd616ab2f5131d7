// linear, linear_add, linear_gelu and gelu: checks, threads, memory.
#include <algorithm>
#include <optional>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "dispatch.h"
#include "gelu_table.h"
#include "memory.h"
#include "packed_weights.h"
#include "reference.h"

namespace iptq {
namespace {

using at::Tensor;

// The weights and scales of a layer in the form of the kernels.
struct Layer {
  std::shared_ptr<const WeightPack> weights;
  std::vector<int32_t> start, m, n;
};

bool is_vector(const Tensor& x, at::ScalarType dtype, int64_t length) {
  return x.dim() == 1 && x.scalar_type() == dtype && x.size(0) == length;
}

// None where only the reference knows an answer.
std::optional<Layer> layer(const Tensor& x, const Tensor& weight,
                           const Tensor& bias, const Tensor& m,
                           const Tensor& n, const Kernels& kernels) {
  if (x.scalar_type() != at::kChar || weight.scalar_type() != at::kChar ||
      weight.dim() != 2 || x.dim() < 1 || x.numel() == 0 ||
      weight.numel() == 0 || x.size(-1) != weight.size(1))
    return {};
  const int64_t columns = weight.size(0);
  if (!is_vector(bias, at::kInt, columns) ||
      !is_vector(m, at::kLong, columns) || !is_vector(n, at::kLong, columns))
    return {};

  Layer layer{packed_weights(weight, kernels), {}, {}, {}};
  const int64_t padded = columns + kernels.lanes;
  for (auto* array : {&layer.start, &layer.m, &layer.n})
    array->resize(padded);
  const auto biases = bias.accessor<int32_t, 1>();
  const auto ms = m.accessor<int64_t, 1>(), ns = n.accessor<int64_t, 1>();
  for (int64_t i = 0; i < columns; ++i) {
    // |acc| < 2^n and m < 2^31 keep acc m 2^-n inside int32.
    const int64_t reach =
        layer.weights->reach[i] + std::abs(int64_t{biases[i]});
    if (ns[i] < 0 || ns[i] > 62 || std::abs(ms[i]) >= int64_t{1} << 31 ||
        (ns[i] < 31 && reach >= int64_t{1} << ns[i]))
      return {};
    // Wraps around like the accumulator it is the start of.
    layer.start[i] = static_cast<int32_t>(
        static_cast<uint32_t>(biases[i]) -
        static_cast<uint32_t>(kernels.signed_offset) *
            static_cast<uint32_t>(layer.weights->sums[i]));
    layer.m[i] = static_cast<int32_t>(ms[i]);
    layer.n[i] = static_cast<int32_t>(ns[i]);
  }
  return layer;
}

// How a product is cut: blocks of rows, times groups of panels where the rows
// alone would not occupy the threads. Tasks of one thread lie side by side
// and share a group of panels.
struct Grid {
  int64_t rows, columns;              // of the whole
  int64_t block_rows, group_columns;  // of a task
  int64_t blocks, groups;

  Grid(int64_t rows, int64_t columns, int64_t panel) : rows(rows),
                                                       columns(columns) {
    constexpr int64_t most_rows = 64, tasks_per_thread = 4;
    block_rows = std::min(rows, most_rows);
    blocks = (rows + block_rows - 1) / block_rows;
    const int64_t panels = (columns + panel - 1) / panel;
    const int64_t wanted = at::get_num_threads() * tasks_per_thread;
    const int64_t parts =
        std::min(panels, (wanted + blocks - 1) / blocks);
    group_columns = (panels + parts - 1) / parts * panel;
    groups = (columns + group_columns - 1) / group_columns;
  }
};

// Rows of x through a layer into y, and then through a table.
void run(const Tensor& x, const Layer& layer, int64_t bits,
         const int16_t* residual, Tensor& y, const Table* table,
         const Kernels& kernels) {
  const PackedWeights& weights = layer.weights->view;
  const int64_t inner = weights.inner, columns = weights.columns;
  const Grid grid(x.numel() / inner, columns, kernels.panel_columns);
  const auto* from = x.const_data_ptr<int8_t>();
  auto* to = static_cast<char*>(y.data_ptr());
  const int64_t bytes = y.element_size();

  constexpr int64_t products_worth_a_thread = 1 << 18;
  const int64_t grain = std::max<int64_t>(
      1, products_worth_a_thread /
             (grid.block_rows * grid.group_columns * inner));
  at::parallel_for(0, grid.blocks * grid.groups, grain, [&](int64_t begin,
                                                            int64_t end) {
    const Scratch scratch(kernels.linear_scratch(grid.block_rows, inner));
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i % grid.blocks * grid.block_rows;
      const int64_t column = i / grid.blocks * grid.group_columns;
      const int64_t rows = std::min(grid.block_rows, grid.rows - row);
      const int64_t last = std::min(column + grid.group_columns, columns);
      kernels.linear(
          {from + row * inner,
           rows,
           weights,
           {layer.start.data(), layer.m.data(), layer.n.data(),
            static_cast<int>(bits)},
           residual ? residual + row * columns : nullptr,
           to + row * columns * bytes,
           column,
           last},
          scratch.get());
      if (table)
        for (int64_t r = row; r < row + rows; ++r)
          kernels.look_up(reinterpret_cast<int8_t*>(to) + r * columns + column,
                          last - column, table->data());
    }
  });
}

Tensor result(const Tensor& x, const Layer& layer, at::ScalarType dtype) {
  auto shape = x.sizes().vec();
  shape.back() = layer.weights->view.columns;
  return at::empty(shape, x.options().dtype(dtype));
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Tensor& m, const Tensor& n, int64_t bits) {
  const Kernels& set = kernels();
  const auto made = layer(x, weight, bias, m, n, set);
  if (!made || bits < 2 || bits > 16) {
    static const auto fallback =
        reference<decltype(linear)>("iptq_reference::linear");
    return fallback.call(x, weight, bias, m, n, bits);
  }
  Tensor y = result(x, *made, bits > 8 ? at::kShort : at::kChar);
  run(x.contiguous(), *made, bits, nullptr, y, nullptr, set);
  return y;
}

Tensor linear_add(const Tensor& x, const Tensor& weight, const Tensor& bias,
                  const Tensor& m, const Tensor& n, const Tensor& residual) {
  const Kernels& set = kernels();
  const auto made = layer(x, weight, bias, m, n, set);
  if (made && residual.scalar_type() == at::kShort) {
    Tensor y = result(x, *made, at::kShort);
    if (residual.sizes() == y.sizes()) {
      const Tensor stream = residual.contiguous();
      run(x.contiguous(), *made, 16, stream.const_data_ptr<int16_t>(), y,
          nullptr, set);
      return y;
    }
  }
  static const auto fallback =
      reference<decltype(linear_add)>("iptq_reference::linear_add");
  return fallback.call(x, weight, bias, m, n, residual);
}

Tensor linear_gelu(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const Tensor& m, const Tensor& n, int64_t bits,
                   c10::string_view name, const Tensor& params) {
  const Kernels& set = kernels();
  const auto made = layer(x, weight, bias, m, n, set);
  if (!made || bits < 2 || bits > 8 || params.scalar_type() != at::kLong) {
    static const auto fallback =
        reference<decltype(linear_gelu)>("iptq_reference::linear_gelu");
    return fallback.call(x, weight, bias, m, n, bits, name, params);
  }
  const auto table = gelu_table(name, params, bits);
  Tensor y = result(x, *made, at::kChar);
  run(x.contiguous(), *made, bits, nullptr, y, table.get(), set);
  return y;
}

Tensor gelu(const Tensor& x, c10::string_view name, const Tensor& params,
            int64_t bits) {
  if (x.scalar_type() != at::kChar || params.scalar_type() != at::kLong ||
      bits < 2 || bits > 8) {
    static const auto fallback =
        reference<decltype(gelu)>("iptq_reference::gelu");
    return fallback.call(x, name, params, bits);
  }
  const auto table = gelu_table(name, params, bits);
  Tensor y = x.clone(at::MemoryFormat::Contiguous);
  auto* values = y.data_ptr<int8_t>();
  constexpr int64_t grain = 1 << 15;
  at::parallel_for(0, y.numel(), grain, [&](int64_t begin, int64_t end) {
    kernels().look_up(values + begin, end - begin, table->data());
  });
  return y;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) {
  library.impl("linear", linear);
  library.impl("linear_add", linear_add);
  library.impl("linear_gelu", linear_gelu);
  library.impl("gelu", gelu);
}

}  // namespace iptq
