// Where floats or pixels become integers, and integers floats. Each value is
// worked out by the same single operations as in the reference;
// -ffp-contract=off keeps the compiler from fusing two of them.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "../kernels/vector.h"
#include "../runtime/status.h"
#include "../runtime/threads.h"

namespace iptq {
namespace {

constexpr int64_t grain = 1 << 15;  // values worth a thread
constexpr int lanes = 8;

using F32 = Vector<float, lanes>;
using I8 = Vector<int8_t, lanes>;
using I16 = Vector<int16_t, lanes>;
using I32 = Vector<int32_t, lanes>;

// The next multiple of the patch's side.
int64_t whole(int64_t side, int64_t patch) {
  return (side + patch - 1) / patch * patch;
}

double scale_of(const int64_t* m, const int64_t* n) {
  supported(*m != 0, "the scale of an empty model");
  return std::ldexp(static_cast<double>(*m), static_cast<int>(-*n));
}

// floor(x factor + 1/2) between -limit and limit; 0 where x is no number.
void quantize_values(const float* x, int64_t count, float factor, int bits,
                     int8_t* y) {
  const float limit = static_cast<float>((1 << (bits - 1)) - 1);
  for (int64_t i = 0; i < count; ++i) {
    float value = x[i] * factor + .5f;
    value = value == value ? value : 0.f;
    value = maximum(minimum(value, limit), -limit);
    const int32_t truncated = static_cast<int32_t>(value);
    y[i] = static_cast<int8_t>(truncated -
                               (static_cast<float>(truncated) > value));
  }
}

// 8 x 8 int16, rows to columns, by interleaving thrice.
IPTQ_INLINE void transpose(I16 rows[lanes]) {
  for (int step = 0; step < 3; ++step) {
    I16 next[lanes];
    for (int i = 0; i < lanes / 2; ++i) {
      const I16 x = rows[i], y = rows[i + lanes / 2];
      next[2 * i] = __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
      next[2 * i + 1] =
          __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
    }
    std::copy_n(next, lanes, rows);
  }
}

template <class In>
IPTQ_INLINE I16 load_row(const In* from) {
  if constexpr (sizeof(In) == 1)
    return __builtin_convertvector(load<I8>(from), I16);
  else
    return load<I16>(from);
}

// Positions [begin, end) of an image q [positions, channels]; y
// [channels, positions].
template <class In>
void dequantize_positions(const In* q, int64_t begin, int64_t end,
                          int64_t positions, int64_t channels, float scale,
                          float* y) {
  const auto one = [&](int64_t at, int64_t c) {
    y[c * positions + at] = static_cast<float>(q[at * channels + c]) * scale;
  };
  for (int64_t at = begin; at < end; at += lanes) {
    int64_t c = 0;
    if (at + lanes <= end)
      for (; c + lanes <= channels; c += lanes) {
        I16 rows[lanes];
        for (int i = 0; i < lanes; ++i)
          rows[i] = load_row(q + (at + i) * channels + c);
        transpose(rows);
        for (int i = 0; i < lanes; ++i) {
          const F32 values = __builtin_convertvector(
              __builtin_convertvector(rows[i], I32), F32) * scale;
          std::memcpy(y + (c + i) * positions + at, &values, sizeof(values));
        }
      }
    for (; c < channels; ++c)
      for (int64_t i = at; i < std::min(at + lanes, end); ++i) one(i, c);
  }
}

// Rows [begin, end) of all channels of all images, and what is added to them.
void center_rows(const uint8_t* x, const int64_t sizes[4], int64_t patch,
                 const int8_t* padding, int64_t begin, int64_t end,
                 int8_t* y) {
  const int64_t height = sizes[2], width = sizes[3];
  const int64_t rows = whole(height, patch), columns = whole(width, patch);
  for (int64_t i = begin; i < end; ++i) {
    const int64_t map = i / rows, row = i % rows;
    const int64_t inside = row < height ? width : 0;
    const uint8_t* from = x + (map * height + row) * width;
    int8_t* to = y + i * columns;
    for (int64_t j = 0; j < inside; ++j)
      to[j] = static_cast<int8_t>(from[j] - 128);
    std::fill(to + inside, to + columns, padding[map % sizes[1]]);
  }
}

// By the type of integers of `width` bytes.
template <class Body>
void with_type(const void* q, int width, const Body& body) {
  switch (width) {
    case 1: return body(static_cast<const int8_t*>(q));
    case 2: return body(static_cast<const int16_t*>(q));
    default: throw Unsupported("integers of other widths");
  }
}

}  // namespace
}  // namespace iptq

iptq_status iptq_quantize(const iptq_executor* executor, const float* x,
                          int64_t count, const int64_t* m, const int64_t* n,
                          int bits, int8_t* y) {
  using namespace iptq;
  return guarded([&] {
    supported(bits >= 2 && bits <= 8, "a result of other widths");
    const float factor = static_cast<float>(1 / scale_of(m, n));
    parallel_for(executor, count, grain, [&](int64_t begin, int64_t end) {
      quantize_values(x + begin, end - begin, factor, bits, y + begin);
    });
  });
}

iptq_status iptq_dequantize(const iptq_executor* executor, const void* q,
                            int width, int64_t count, const int64_t* m,
                            const int64_t* n, float* y) {
  using namespace iptq;
  return guarded([&] {
    const float scale = static_cast<float>(scale_of(m, n));
    with_type(q, width, [&](const auto* from) {
      parallel_for(executor, count, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          y[i] = static_cast<float>(from[i]) * scale;
      });
    });
  });
}

iptq_status iptq_dequantize_maps(const iptq_executor* executor, const void* q,
                                 int width, int64_t images, int64_t positions,
                                 int64_t channels, const int64_t* m,
                                 const int64_t* n, float* y) {
  using namespace iptq;
  return guarded([&] {
    const float scale = static_cast<float>(scale_of(m, n));
    const int64_t size = positions * channels;
    with_type(q, width, [&](const auto* from) {
      for (int64_t image = 0; image < images; ++image)
        parallel_for(
            executor, (positions + lanes - 1) / lanes,
            grain / std::max<int64_t>(lanes * channels, 1) + 1,
            [&](int64_t begin, int64_t end) {
              dequantize_positions(from + image * size, begin * lanes,
                                   std::min(end * lanes, positions),
                                   positions, channels, scale,
                                   y + image * size);
            });
    });
  });
}

iptq_status iptq_center_pixels(const iptq_executor* executor,
                               const uint8_t* x, const int64_t* sizes,
                               int64_t patch, const int8_t* padding,
                               int8_t* y) {
  using namespace iptq;
  return guarded([&] {
    valid(patch >= 1, "a patch without a side");
    const int64_t columns = whole(sizes[3], patch);
    parallel_for(executor, sizes[0] * sizes[1] * whole(sizes[2], patch),
                 grain / std::max<int64_t>(columns, 1) + 1,
                 [&](int64_t begin, int64_t end) {
                   center_rows(x, sizes, patch, padding, begin, end, y);
                 });
  });
}
