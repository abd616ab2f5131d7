// paste_masks: bilinear interpolation in the window of each box.
#include <algorithm>
#include <vector>

#include "../../runtime/status.h"
#include "../../runtime/threads.h"

namespace iptq {
namespace {

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
      const int64_t top = place * (2 << mask_weight_bits) + whole;
      int64_t u = top / (2 * whole);
      if (u * 2 * whole > top) --u;
      const int64_t low = u >> mask_weight_bits;
      const int64_t border = cells + 1;
      before.push_back(
          static_cast<int32_t>(std::clamp<int64_t>(low + 1, 0, border)));
      after.push_back(
          static_cast<int32_t>(std::clamp<int64_t>(low + 2, 0, border)));
      weight.push_back(
          static_cast<int32_t>(u - low * (1 << mask_weight_bits)));
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
           uint8_t* to, int64_t step) {
  const int32_t one = 1 << mask_weight_bits;
  const int64_t least = threshold << (2 * mask_weight_bits);
  const auto count = static_cast<int64_t>(columns.before.size());
  std::vector<int32_t> line(width + 2);  // between two rows of cells
  const auto cell = [&](int64_t row, int64_t column) {
    return row < 1 || row > height
               ? 0
               : int32_t{cells[(row - 1) * width + column]};
  };
  for (size_t y = 0; y < rows.before.size(); ++y, to += step) {
    for (int64_t x = 0; x < width; ++x)
      line[x + 1] = cell(rows.before[y], x) * (one - rows.weight[y]) +
                    cell(rows.after[y], x) * rows.weight[y];
    for (int64_t x = 0; x < count; ++x)
      to[x] = int64_t{line[columns.before[x]]} * (one - columns.weight[x]) +
                  int64_t{line[columns.after[x]]} * columns.weight[x] >=
              least;
  }
}

}  // namespace
}  // namespace iptq

iptq_status iptq_paste_masks(const iptq_executor* executor,
                             const int16_t* probabilities, int64_t count,
                             int64_t rows, int64_t columns,
                             const int32_t* boxes, int64_t height,
                             int64_t width, int64_t threshold,
                             uint8_t* masks) {
  using namespace iptq;
  return guarded([&] {
    supported(height >= 0 && width >= 0 && height <= furthest &&
                  width <= furthest,
              "an image of another size");
    supported(std::max(rows, columns) <= 1024, "masks of more cells");
    parallel_for(executor, count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int32_t* box = boxes + 4 * i;
        if (box[2] <= box[0] || box[3] <= box[1]) continue;
        const Window y = window(box[1], box[3], height);
        const Window x = window(box[0], box[2], width);
        paste(probabilities + i * rows * columns, rows, columns,
              Places(box[1], box[3], y.first, y.last, rows),
              Places(box[0], box[2], x.first, x.last, columns), threshold,
              masks + (i * height + y.first) * width + x.first, width);
      }
    });
  });
}
