// paste_masks: bilinear interpolation in the window of each box.
#include <algorithm>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "../reference.h"

namespace iptq {
namespace {

using at::Tensor;

constexpr int mask_weight_bits = 11, mask_coordinate_bits = 8;
constexpr int64_t furthest = int64_t{1} << 22;

// What `axis_places` of masks.py says: the cell before each pixel's centre,
// and the weight of the next one. Cells are those of a mask with a border of
// zeros, from 0 to cells + 1.
struct Places {
  std::vector<int32_t> before, after, weight;

  Places(int64_t start, int64_t end, int64_t first, int64_t last,
         int64_t cells) {
    const int64_t unit = int64_t{1} << mask_coordinate_bits;
    const int64_t size = end - start, whole = 2 * size;
    for (int64_t pixel = first; pixel < last; ++pixel) {
      const int64_t place =
          (2 * unit * pixel + unit - 2 * start) * cells - size;
      const int64_t top = (place << (mask_weight_bits + 1)) + whole;
      int64_t u = top / (2 * whole);
      if (u * 2 * whole > top) --u;
      const int64_t low = u >> mask_weight_bits;
      const int64_t border = cells + 1;
      before.push_back(
          static_cast<int32_t>(std::clamp<int64_t>(low + 1, 0, border)));
      after.push_back(
          static_cast<int32_t>(std::clamp<int64_t>(low + 2, 0, border)));
      weight.push_back(
          static_cast<int32_t>(u - (low << mask_weight_bits)));
    }
  }
};

struct Window {
  int64_t first, last;
};

// What `mask_windows` of masks.py says, along an axis.
Window window(int64_t start, int64_t end, int64_t size) {
  const int64_t unit = int64_t{1} << mask_coordinate_bits;
  const int64_t first = std::min(
      std::max<int64_t>((start >> mask_coordinate_bits) - 1, 0), size);
  const int64_t last =
      std::min(((end + unit - 1) >> mask_coordinate_bits) + 1, size);
  return {first, std::max(first, last)};
}

void paste(const int16_t* cells, int64_t height, int64_t width,
           const Places& rows, const Places& columns, int64_t threshold,
           bool* to) {
  const int32_t one = 1 << mask_weight_bits;
  const int64_t least = threshold << (2 * mask_weight_bits);
  const auto count = static_cast<int64_t>(columns.before.size());
  std::vector<int32_t> line(width + 2);  // between two rows of cells
  const auto cell = [&](int64_t row, int64_t column) {
    return row < 1 || row > height
               ? 0
               : int32_t{cells[(row - 1) * width + column]};
  };
  for (size_t y = 0; y < rows.before.size(); ++y, to += count) {
    for (int64_t x = 0; x < width; ++x)
      line[x + 1] = cell(rows.before[y], x) * (one - rows.weight[y]) +
                    cell(rows.after[y], x) * rows.weight[y];
    for (int64_t x = 0; x < count; ++x)
      to[x] = int64_t{line[columns.before[x]]} * (one - columns.weight[x]) +
                  int64_t{line[columns.after[x]]} * columns.weight[x] >=
              least;
  }
}

bool plain(const Tensor& probabilities, const Tensor& boxes, int64_t height,
           int64_t width) {
  return probabilities.scalar_type() == at::kShort &&
         probabilities.dim() == 3 && boxes.scalar_type() == at::kInt &&
         boxes.dim() == 2 && boxes.size(1) == 4 &&
         boxes.size(0) == probabilities.size(0) && height >= 0 &&
         width >= 0 && height <= furthest && width <= furthest &&
         std::max(probabilities.size(1), probabilities.size(2)) <= 1024;
}

std::vector<Tensor> paste_masks(const Tensor& probabilities,
                                const Tensor& boxes, int64_t height,
                                int64_t width, int64_t threshold) {
  if (!plain(probabilities, boxes, height, width)) {
    static const auto fallback =
        reference<decltype(paste_masks)>("iptq_reference::paste_masks");
    return fallback.call(probabilities, boxes, height, width, threshold);
  }
  const Tensor cells = probabilities.contiguous(), of = boxes.contiguous();
  const auto corner = of.accessor<int32_t, 2>();
  std::vector<Window> rows, columns;
  std::vector<Tensor> masks;
  for (int64_t i = 0; i < of.size(0); ++i) {
    rows.push_back(window(corner[i][1], corner[i][3], height));
    columns.push_back(window(corner[i][0], corner[i][2], width));
    if (corner[i][2] <= corner[i][0] || corner[i][3] <= corner[i][1]) {
      rows[i].last = rows[i].first;
      columns[i].last = columns[i].first;
    }
    masks.push_back(at::empty({rows[i].last - rows[i].first,
                               columns[i].last - columns[i].first},
                              cells.options().dtype(at::kBool)));
  }
  at::parallel_for(0, of.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (masks[i].numel() == 0) continue;
      paste(cells.const_data_ptr<int16_t>() + i * cells.stride(0),
            cells.size(1), cells.size(2),
            Places(corner[i][1], corner[i][3], rows[i].first, rows[i].last,
                   cells.size(1)),
            Places(corner[i][0], corner[i][2], columns[i].first,
                   columns[i].last, cells.size(2)),
            threshold, masks[i].data_ptr<bool>());
    }
  });
  return masks;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) {
  library.impl("paste_masks", paste_masks);
}

}  // namespace iptq
