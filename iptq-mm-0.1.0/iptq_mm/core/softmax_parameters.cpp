#include "softmax_parameters.h"

#include <algorithm>
#include <string_view>
#include <type_traits>

#include "runtime/status.h"

namespace iptq {
namespace {

// What the kernels know of a candidate by its name.
struct Kind {
  std::string_view name;
  Exponential exponential;
  Normalization normalization;
};

constexpr Kind kinds[] = {
    {"bit_softmax", Exponential::bit_exp, Normalization::fractions},
    {"shiftmax", Exponential::shift_exp, Normalization::fractions},
    {"i_softmax", Exponential::i_exp, Normalization::fractions},
    {"table_softmax", Exponential::table_exp, Normalization::fractions},
    {"log_int_softmax", Exponential::i_exp, Normalization::powers_of_two}};

const Kind& kind_of(std::string_view softmax) {
  for (const Kind& kind : kinds)
    if (kind.name == softmax) return kind;
  throw Unsupported("the kernels do not know this Softmax");
}

}  // namespace

DyadicNumber dyadic(const int64_t number[2], int64_t reach) {
  const int64_t m = number[0], n = number[1];
  supported(m >= 0 && m < int64_t{1} << 31 && n >= 0 && n <= 62 &&
                (n >= 31 || reach < int64_t{1} << n),
            "a ratio that takes its numbers out of int32");
  return {static_cast<int32_t>(m), static_cast<int32_t>(n)};
}

SoftmaxParameters softmax_parameters(const char* name, int64_t count,
                                     const int64_t* params) {
  constexpr int64_t entries = std::extent_v<decltype(
      SoftmaxParameters::entries)>;
  const Kind& kind = kind_of(name);
  const bool has_table = kind.exponential == Exponential::table_exp;
  supported(count == 4 + has_table * entries,
            "a Softmax with another number of parameters");
  // Scores lie within 2^25 of the maximum of their row.
  const int64_t smallest = std::max<int64_t>(params[0], -(1 << 26));
  const DyadicNumber scale = dyadic(params + 1, 0);
  const int64_t bits = params[3];
  // Exponents must lie in (-2^30, 0].
  supported(smallest <= 0 && bits >= 1 && bits <= 8 &&
                (-smallest * scale.m) >> scale.n < 1 << 30,
            "exponents beyond the kernels' fixed point");
  SoftmaxParameters result{kind.exponential,
                           kind.normalization,
                           static_cast<int32_t>(smallest),
                           scale,
                           static_cast<int>(bits),
                           {}};
  if (has_table) {
    const auto is_entry = [](int64_t x) {
      return x >= 1 << 24 && x <= 1 << 25;
    };
    supported(std::all_of(params + 4, params + 4 + entries, is_entry),
              "a table that is none of powers of two");
    std::copy_n(params + 4, entries, result.entries);
  }
  return result;
}

}  // namespace iptq
