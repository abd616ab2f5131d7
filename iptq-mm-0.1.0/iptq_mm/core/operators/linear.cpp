// linear, linear_add, linear_gelu and linear_wide.
#include <algorithm>

#include "../product.h"
#include "../runtime/status.h"

namespace iptq {
namespace {

void run(const iptq_linear& layer, const iptq_executor* executor,
         const int8_t* x, int64_t rows, const Outcome& outcome, void* y) {
  const int64_t inner = layer.weights.inner;
  multiply([=](int64_t begin, int64_t, int8_t*) { return x + begin * inner; },
           rows, layer, outcome, executor, y);
}

// Rows of one half of 16-bit codes; half(code) is an int8.
template <class Half>
void run_half(const iptq_linear& layer, const iptq_executor* executor,
              const int16_t* x, int64_t rows, const Outcome& outcome,
              int16_t* y, const Half& half) {
  const int64_t inner = layer.weights.inner;
  multiply(
      [=](int64_t begin, int64_t count, int8_t* buffer) {
        std::transform(x + begin * inner, x + (begin + count) * inner, buffer,
                       half);
        return buffer;
      },
      rows, layer, outcome, executor, y);
}

}  // namespace
}  // namespace iptq

iptq_status iptq_linear_run(const iptq_linear* layer,
                            const iptq_executor* executor, const int8_t* x,
                            int64_t rows, int bits, void* y) {
  return iptq::guarded([&] {
    iptq::supported(bits >= 2 && bits <= 16, "a layer of other widths");
    iptq::run(*layer, executor, x, rows, {bits}, y);
  });
}

iptq_status iptq_linear_add(const iptq_linear* layer,
                            const iptq_executor* executor, const int8_t* x,
                            int64_t rows, const int16_t* residual,
                            int16_t* y) {
  return iptq::guarded([&] {
    iptq::run(*layer, executor, x, rows, {16, false, residual}, y);
  });
}

iptq_status iptq_linear_gelu(const iptq_linear* layer, const iptq_gelu* gelu,
                             const iptq_executor* executor, const int8_t* x,
                             int64_t rows, int8_t* y) {
  return iptq::guarded([&] {
    iptq::valid(gelu->groups.back().end == layer->weights.columns,
                "the groups of GELU do not end where the channels do");
    iptq::run(*layer, executor, x, rows,
              {gelu->in_bits, false, nullptr, gelu}, y);
  });
}

iptq_status iptq_linear_wide_run(const iptq_linear_wide* layer,
                                 const iptq_executor* executor,
                                 const int16_t* x, int64_t rows, int16_t* y) {
  return iptq::guarded([&] {
    // The lower first: it is small, so that only the sum saturates.
    iptq::run_half(*layer->lower, executor, x, rows, {16}, y, [](int16_t q) {
      return static_cast<int8_t>((q & 255) - 128);
    });
    iptq::run_half(*layer->upper, executor, x, rows, {16, false, y}, y,
                   [](int16_t q) { return static_cast<int8_t>(q >> 8); });
  });
}
