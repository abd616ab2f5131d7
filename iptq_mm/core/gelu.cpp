// The candidates of functions/gelu/, for one code: each is evaluated once for
// every code, and what runs is a table.
#include "gelu.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "runtime/dispatch.h"
#include "runtime/status.h"
#include "runtime/threads.h"

namespace iptq {
namespace {

int64_t rounded_shift(int64_t x, int64_t n) {
  return (x + ((int64_t{1} << n) >> 1)) >> n;
}

// A ratio of scales m 2^-n, as lowering makes it.
bool is_ratio(int64_t m, int64_t n) {
  return m >= 0 && m < int64_t{1} << 31 && n >= 0 && n <= 62;
}

// erf_polynomial.py: a clipped power of 22 fractional bits stands for erf.
constexpr int erf_fraction = 22, erf_coefficient = 30;

bool is_erf_polynomial(const int64_t* p) {
  return is_ratio(p[0], p[1]) && p[2] >= 0 && p[2] <= 4 << erf_fraction &&
         p[3] >= 0 && p[3] <= 1 << erf_coefficient && is_ratio(p[4], p[5]);
}

int64_t erf_polynomial(int64_t x, const int64_t* p, int squarings) {
  const int64_t u = rounded_shift(std::abs(x) * p[0], p[1]);
  int64_t power = p[2] - std::min(u, p[2]);
  for (int i = 0; i < squarings; ++i)
    power = rounded_shift(power * power, erf_fraction);
  const int64_t s = rounded_shift(power * p[3], erf_coefficient);
  const int64_t factor = x < 0 ? s : (int64_t{2} << erf_fraction) - s;
  return rounded_shift(x * factor * p[4], p[5]);
}

int64_t i_gelu(int64_t x, const int64_t* p) { return erf_polynomial(x, p, 1); }
int64_t poly_gelu(int64_t x, const int64_t* p) {
  return erf_polynomial(x, p, 2);
}

// shift_gelu.py: x times a sigmoid of shifts, 24 fractional bits.
constexpr int fixed_fraction = 24;
constexpr int64_t fixed_one = 1 << fixed_fraction;

bool is_shift_gelu(const int64_t* p) {
  return is_ratio(p[0], p[1]) && is_ratio(p[2], p[3]);
}

int64_t shift_exp(int64_t x) {
  x = x + (x >> 1) - (x >> 4);
  const int64_t z = -x >> fixed_fraction;
  const int64_t r = x + z * fixed_one;
  return (fixed_one + (r >> 1)) >> z;
}

int64_t shift_gelu(int64_t x, const int64_t* p) {
  const int64_t depth =
      -std::min(rounded_shift(std::abs(x) * p[0], p[1]), 16 * fixed_one);
  const int64_t exp =
      shift_exp(depth + (depth >> 1) + (depth >> 3) + (depth >> 4));
  const int64_t sigma =
      ((x < 0 ? exp : fixed_one) << fixed_fraction) / (exp + fixed_one);
  return rounded_shift(x * sigma * p[2], p[3]);
}

// table_gelu.py: the output of q at q + 512.
constexpr int64_t table_half = 512;

bool is_table_gelu(const int64_t* p) {
  return std::all_of(p, p + 2 * table_half, [](int64_t y) {
    return std::abs(y) < int64_t{1} << 31;
  });
}

int64_t table_gelu(int64_t x, const int64_t* p) { return p[x + table_half]; }

struct Candidate {
  std::string_view name;
  int64_t count;  // of parameters
  int in_bits;    // that it is meant for, at most
  bool (*sound)(const int64_t* params);
  int64_t (*evaluate)(int64_t x, const int64_t* params);
};

constexpr Candidate candidates[] = {
    {"i_gelu", 6, 8, is_erf_polynomial, i_gelu},
    {"poly_gelu", 6, 8, is_erf_polynomial, poly_gelu},
    {"shift_gelu", 4, 8, is_shift_gelu, shift_gelu},
    {"table_gelu", 2 * table_half, 10, is_table_gelu, table_gelu}};

const Candidate& candidate(std::string_view name, int64_t count,
                           int in_bits) {
  for (const Candidate& one : candidates)
    if (one.name == name) {
      supported(in_bits <= one.in_bits, "a GELU of fewer bits");
      valid(count == one.count, "a GELU with another number of parameters");
      return one;
    }
  throw Unsupported("the kernels do not know this GELU");
}

std::vector<int8_t> table(const Candidate& gelu, int64_t zero,
                          const int64_t* params, bool wide, int bits) {
  supported(gelu.sound(params) && std::abs(zero) < 1 << 16,
            "parameters that no lowering makes");
  const int64_t half = wide ? 512 : 128;
  const int64_t limit = (int64_t{1} << (bits - 1)) - 1;
  std::vector<int8_t> outputs(2 * half);
  for (int64_t x = -half; x < half; ++x)
    outputs[x + half] = static_cast<int8_t>(
        std::clamp(gelu.evaluate(x, params) + zero, -limit, limit));
  return outputs;
}

}  // namespace
}  // namespace iptq

iptq_status iptq_gelu_create(const char* name, int64_t groups,
                             const int64_t* ends, int64_t count,
                             const int64_t* params, int in_bits, int bits,
                             iptq_gelu** gelu) {
  using namespace iptq;
  return guarded([&] {
    valid(groups > 0 && ends[0] >= 0 && std::is_sorted(ends, ends + groups),
          "groups of channels must end one after the other");
    supported(in_bits >= 2 && in_bits <= most_gelu_bits && bits >= 2 &&
                  bits <= 8,
              "a GELU of other widths");
    const Candidate& one = candidate(name, count - 1, in_bits);
    auto made = std::make_unique<iptq_gelu>();
    made->set = &kernels();
    made->in_bits = in_bits;
    for (int64_t i = 0; i < groups; ++i, params += count)
      made->groups.push_back(
          {ends[i],
           table(one, params[0], params + 1, is_wide(in_bits), bits)});
    *gelu = made.release();
  });
}

void iptq_gelu_destroy(iptq_gelu* gelu) { delete gelu; }

iptq_status iptq_gelu_run(const iptq_gelu* gelu,
                          const iptq_executor* executor, const int8_t* x,
                          int64_t count, int8_t* y) {
  using namespace iptq;
  return guarded([&] {
    supported(!is_wide(gelu->in_bits), "a GELU of more than 8 bits");
    constexpr int64_t grain = 1 << 15;
    parallel_for(executor, count, grain, [&](int64_t begin, int64_t end) {
      if (y != x) std::copy(x + begin, x + end, y + begin);
      gelu->set->look_up({1, end - begin, 0, gelu->groups[0].table.data(),
                          nullptr, y + begin});
    });
  });
}
