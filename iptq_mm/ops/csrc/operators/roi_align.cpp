// roi_align: places of samples, threads, memory.
#include <algorithm>
#include <optional>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "../dispatch.h"
#include "../memory.h"
#include "../reference.h"

namespace iptq {
namespace {

using at::Tensor;

constexpr int roi_weight_bits = 11, roi_coordinate_bits = 8;

// From so many samples of a bin on, along an axis and in all, int32 could
// overflow: the reference knows such boxes.
constexpr int64_t most_axis_samples = 64, most_samples = 1024;

int64_t floor_divide(int64_t x, int64_t y) {
  return x / y - (x % y != 0 && (x < 0) != (y < 0));
}

// What `axis_weights` of roi_align.py says, without its zeros.
struct AxisWeights {
  std::vector<AxisBin> bins;
  std::vector<int32_t> values;
  int64_t samples;
  int32_t first, last;  // rows that any bin uses

  AxisWeights(int64_t start, int64_t end, int64_t count, int64_t length,
              int64_t stride, int64_t sampling)
      : bins(count), first(static_cast<int32_t>(length)), last(0) {
    const int64_t unit = stride << (roi_coordinate_bits + 1);
    const int64_t size = 2 * (end - start);
    samples = sampling ? sampling
                       : (size + unit * count - 1) / (unit * count);
    if (samples > most_axis_samples) return;
    values.reserve(count * (2 * samples + 2));
    const int64_t parts = 2 * count * samples, whole = unit * parts;
    for (int64_t bin = 0; bin < count; ++bin) {
      AxisBin& found = bins[bin] = {0, 0, nullptr};
      const size_t begin = values.size();
      for (int64_t i = 0; i < samples; ++i) {
        const int64_t place = (2 * start - unit / 2) * parts +
                              size * (2 * (bin * samples + i) + 1);
        if (place < -whole || place > length * whole) continue;
        const int64_t y = std::clamp<int64_t>(
            floor_divide((place << (roi_weight_bits + 1)) + whole, 2 * whole),
            0, (length - 1) << roi_weight_bits);
        const auto low = static_cast<int32_t>(y >> roi_weight_bits);
        const auto high = static_cast<int32_t>(
            std::min<int64_t>(low + 1, length - 1));
        const auto upper = static_cast<int32_t>(
            y - (int64_t{low} << roi_weight_bits));
        if (begin == values.size()) found.first = low;
        values.resize(std::max(values.size(),
                               begin + (high - found.first) + 1));
        values[begin + low - found.first] += (1 << roi_weight_bits) - upper;
        values[begin + high - found.first] += upper;
      }
      found.count = static_cast<int32_t>(values.size() - begin);
      if (found.count) {
        first = std::min(first, found.first);
        last = std::max(last, found.first + found.count);
      }
    }
    // The vector has its place now.
    const int32_t* next = values.data();
    for (AxisBin& bin : bins) {
      bin.weights = next;
      next += bin.count;
    }
  }
};

struct Box {
  AxisWeights rows, columns;
  const int8_t* map;
  int64_t width;
};

bool plain(at::TensorList maps, const Tensor& boxes, const Tensor& images,
           const Tensor& levels) {
  for (const Tensor& map : maps)
    if (map.dim() != 4 || map.scalar_type() != at::kChar ||
        !map.is_contiguous() || map.numel() == 0 ||
        map.size(3) != maps[0].size(3))
      return false;
  return !maps.empty() && boxes.scalar_type() == at::kInt &&
         images.scalar_type() == at::kLong &&
         levels.scalar_type() == at::kLong && boxes.dim() == 2 &&
         boxes.size(1) == 4 && images.sizes() == levels.sizes() &&
         images.dim() == 1 && images.size(0) == boxes.size(0);
}

std::optional<std::vector<Box>> placed(
    at::TensorList maps, at::IntArrayRef strides, const Tensor& boxes,
    const Tensor& images, const Tensor& levels, int64_t height, int64_t width,
    int64_t sampling) {
  if (!plain(maps, boxes, images, levels) || height < 1 || width < 1 ||
      sampling < 0 || sampling > most_axis_samples ||
      strides.size() != maps.size())
    return {};
  const Tensor corners = boxes.contiguous();
  const auto corner = corners.accessor<int32_t, 2>();
  const auto image = images.accessor<int64_t, 1>();
  const auto level = levels.accessor<int64_t, 1>();
  std::vector<Box> found;
  found.reserve(boxes.size(0));
  for (int64_t i = 0; i < boxes.size(0); ++i) {
    const int64_t l = level[i];
    if (l < 0 || l >= static_cast<int64_t>(maps.size()) || image[i] < 0 ||
        image[i] >= maps[l].size(0) || corner[i][2] < corner[i][0] ||
        corner[i][3] < corner[i][1] || strides[l] < 1)
      return {};
    const Tensor& map = maps[l];
    found.push_back(
        {AxisWeights(corner[i][1], corner[i][3], height, map.size(1),
                     strides[l], sampling),
         AxisWeights(corner[i][0], corner[i][2], width, map.size(2),
                     strides[l], sampling),
         map.const_data_ptr<int8_t>() + image[i] * map.stride(0),
         map.size(2)});
    const Box& box = found.back();
    if (box.rows.samples > most_axis_samples ||
        box.columns.samples > most_axis_samples ||
        box.rows.samples * box.columns.samples > most_samples)
      return {};
  }
  return found;
}

Tensor roi_align(at::TensorList maps, at::IntArrayRef strides,
                 const Tensor& boxes, const Tensor& images,
                 const Tensor& levels, int64_t height, int64_t width,
                 int64_t sampling) {
  const auto found = placed(maps, strides, boxes, images, levels, height,
                            width, sampling);
  if (!found) {
    static const auto fallback =
        reference<decltype(roi_align)>("iptq_reference::roi_align");
    return fallback.call(maps, strides, boxes, images, levels, height, width,
                         sampling);
  }
  const Kernels& set = kernels();
  const int64_t channels = maps[0].size(3);
  Tensor features = at::empty({boxes.size(0), height, width, channels},
                              maps[0].options());
  auto* to = features.data_ptr<int8_t>();
  at::parallel_for(0, boxes.size(0), 4, [&](int64_t begin, int64_t end) {
    const Scratch scratch(set.roi_align_scratch(height * width));
    for (int64_t i = begin; i < end; ++i) {
      const Box& box = (*found)[i];
      set.roi_align({box.map, box.width, channels, box.rows.first,
                     box.rows.last, static_cast<int32_t>(height),
                     static_cast<int32_t>(width), box.rows.bins.data(),
                     box.columns.bins.data(),
                     static_cast<int32_t>(std::max<int64_t>(
                         box.rows.samples * box.columns.samples, 1)),
                     to + i * height * width * channels, scratch.get()});
    }
  });
  return features;
}

}  // namespace

TORCH_LIBRARY_IMPL(iptq, CPU, library) {
  library.impl("roi_align", roi_align);
}

}  // namespace iptq
