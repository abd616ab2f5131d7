// roi_align: places of samples, threads, memory.
#include <algorithm>
#include <vector>

#include "../../runtime/dispatch.h"
#include "../../runtime/memory.h"
#include "../../runtime/status.h"
#include "../../runtime/threads.h"

namespace iptq {
namespace {

constexpr int roi_weight_bits = 11, roi_coordinate_bits = 8;

// From so many samples of a bin on, along an axis and in all, int32 could
// overflow: such boxes (very long and narrow ones) have a loop of their own.
constexpr int64_t most_axis_samples = 64, most_samples = 1024;

// Of a fixed number of samples; far from what anybody asks for.
constexpr int64_t most_sampling = 1024;

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
            floor_divide(place * (2 << roi_weight_bits) + whole, 2 * whole),
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

  bool many() const {
    return rows.samples > most_axis_samples ||
           columns.samples > most_axis_samples ||
           rows.samples * columns.samples > most_samples;
  }
};

// A box of many samples, in int64; y [bins, bins, channels].
void by_wide_sums(const Box& box, int64_t channels, int8_t* y) {
  const int64_t count = std::max<int64_t>(
      box.rows.samples * box.columns.samples, 1) << (2 * roi_weight_bits);
  std::vector<int64_t> sums(channels), line(channels);
  for (const AxisBin& rows : box.rows.bins)
    for (const AxisBin& columns : box.columns.bins) {
      std::fill(sums.begin(), sums.end(), 0);
      for (int32_t r = 0; r < rows.count; ++r) {
        std::fill(line.begin(), line.end(), 0);
        const int8_t* from =
            box.map +
            ((rows.first + r) * box.width + columns.first) * channels;
        for (int32_t i = 0; i < columns.count; ++i, from += channels)
          for (int64_t c = 0; c < channels; ++c)
            line[c] += int64_t{from[c]} * columns.weights[i];
        for (int64_t c = 0; c < channels; ++c)
          sums[c] += line[c] * rows.weights[r];
      }
      for (int64_t c = 0; c < channels; ++c)
        *y++ = static_cast<int8_t>(floor_divide(2 * sums[c] + count,
                                                2 * count));
    }
}

}  // namespace
}  // namespace iptq

iptq_status iptq_roi_align(const iptq_executor* executor, int64_t levels,
                           const int8_t* const* maps, const int64_t* sizes,
                           const int64_t* strides, int64_t channels,
                           const int32_t* boxes, int64_t count,
                           const int64_t* images, const int64_t* level,
                           int64_t height, int64_t width, int64_t sampling,
                           int8_t* y) {
  using namespace iptq;
  return guarded([&] {
    supported(height >= 1 && width >= 1 && sampling >= 0 &&
                  sampling <= most_sampling,
              "bins or samples of another number");
    std::vector<Box> found;
    found.reserve(count);
    for (int64_t i = 0; i < count; ++i, boxes += 4) {
      const int64_t l = level[i];
      valid(l >= 0 && l < levels, "a box of no level");
      const int64_t* size = sizes + 3 * l;
      valid(images[i] >= 0 && images[i] < size[0], "a box of no image");
      valid(strides[l] >= 1 && size[1] >= 1 && size[2] >= 1,
            "a map of no size or stride");
      supported(boxes[2] >= boxes[0] && boxes[3] >= boxes[1],
                "a box that ends before it begins");
      found.push_back({AxisWeights(boxes[1], boxes[3], height, size[1],
                                   strides[l], sampling),
                       AxisWeights(boxes[0], boxes[2], width, size[2],
                                   strides[l], sampling),
                       maps[l] + images[i] * size[1] * size[2] * channels,
                       size[2]});
    }
    const Kernels& set = kernels();
    parallel_for(executor, count, 4, [&](int64_t begin, int64_t end) {
      const Scratch scratch(set.roi_align_scratch(height * width));
      for (int64_t i = begin; i < end; ++i) {
        const Box& box = found[i];
        int8_t* to = y + i * height * width * channels;
        if (box.many()) {
          by_wide_sums(box, channels, to);
          continue;
        }
        set.roi_align({box.map, box.width, channels, box.rows.first,
                       box.rows.last, static_cast<int32_t>(height),
                       static_cast<int32_t>(width), box.rows.bins.data(),
                       box.columns.bins.data(),
                       static_cast<int32_t>(std::max<int64_t>(
                           box.rows.samples * box.columns.samples, 1)),
                       to, scratch.get()});
      }
    });
  });
}
