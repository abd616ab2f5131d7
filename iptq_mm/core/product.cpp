#include "product.h"

#include <algorithm>

#include "runtime/memory.h"
#include "runtime/threads.h"

namespace iptq {
namespace {

// How a product is cut: blocks of rows, times groups of panels where the rows
// alone would not occupy the threads. Tasks of one thread lie side by side
// and share a group of panels.
struct Grid {
  int64_t rows, columns;              // of the whole
  int64_t block_rows, group_columns;  // of a task
  int64_t blocks, groups;

  Grid(int64_t rows, int64_t columns, int64_t panel, int threads)
      : rows(rows), columns(columns) {
    constexpr int64_t most_rows = 64, tasks_per_thread = 4;
    block_rows = std::min(rows, most_rows);
    blocks = (rows + block_rows - 1) / block_rows;
    const int64_t panels = (columns + panel - 1) / panel;
    const int64_t wanted = threads * tasks_per_thread;
    const int64_t parts =
        std::min(panels, (wanted + blocks - 1) / blocks);
    group_columns = (panels + parts - 1) / parts * panel;
    groups = (columns + group_columns - 1) / group_columns;
  }
};

// Columns [begin, end) of some rows [rows, columns] through GELU: from codes,
// or in place if those are null.
void look_up(const iptq_gelu& gelu, const Kernels& kernels, int64_t rows,
             int64_t columns, int64_t begin, int64_t end,
             const int16_t* codes, int8_t* y) {
  int64_t from = begin;
  for (const GeluGroup& group : gelu.groups) {
    const int64_t to = std::clamp(group.end, from, end);
    const LookUpTask task{rows, to - from, columns, group.table.data(),
                          codes ? codes + from : nullptr, y + from};
    if (to > from) (codes ? kernels.look_up_wide : kernels.look_up)(task);
    from = to;
  }
}

}  // namespace

void multiply(const Rows& x, int64_t rows, const iptq_linear& layer,
              const Outcome& outcome, const iptq_executor* executor, void* y) {
  if (rows < 1) return;
  const LinearKernels& kernels = *layer.kernels;
  const int64_t inner = layer.weights.inner, columns = layer.weights.columns;
  const Grid grid(rows, columns, kernels.panel_columns, threads_of(executor));
  auto* to = static_cast<char*>(y);
  const bool wide = outcome.gelu && is_wide(outcome.bits);
  const int64_t bytes =
      outcome.residual || (outcome.bits > 8 && !outcome.gelu) ? 2 : 1;

  constexpr int64_t products_worth_a_thread = 1 << 18;
  const int64_t grain = std::max<int64_t>(
      1, products_worth_a_thread /
             (grid.block_rows * grid.group_columns * inner));
  parallel_for(executor, grid.blocks * grid.groups, grain, [&](int64_t begin,
                                                               int64_t end) {
    const Scratch buffer(grid.block_rows * inner);
    const Scratch scratch(kernels.scratch(grid.block_rows, inner));
    const Scratch codes(wide ? grid.block_rows * columns * 2 : 0);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i % grid.blocks * grid.block_rows;
      const int64_t column = i / grid.blocks * grid.group_columns;
      const int64_t count = std::min(grid.block_rows, grid.rows - row);
      const int64_t last = std::min(column + grid.group_columns, columns);
      kernels.multiply(
          {x(row, count, static_cast<int8_t*>(buffer.get())),
           count,
           layer.weights,
           {layer.start.data(), layer.m.data(), layer.n.data(), layer.high,
            outcome.bits, outcome.relu},
           outcome.residual ? outcome.residual + row * columns : nullptr,
           wide ? codes.get() : to + row * columns * bytes,
           column,
           last},
          scratch.get());
      if (outcome.gelu)
        look_up(*outcome.gelu, *layer.set, count, columns, column, last,
                wide ? static_cast<const int16_t*>(codes.get()) : nullptr,
                reinterpret_cast<int8_t*>(to) + row * columns);
    }
  });
}

}  // namespace iptq
