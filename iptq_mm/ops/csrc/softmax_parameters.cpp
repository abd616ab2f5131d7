#include "softmax_parameters.h"

#include <algorithm>
#include <type_traits>

namespace iptq {
namespace {

using at::Tensor;

// What the kernels know of a candidate by its name.
struct Kind {
  Exponential exponential;
  Normalization normalization;
};

std::optional<Kind> kind_of(c10::string_view softmax) {
  using E = Exponential;
  using N = Normalization;
  if (softmax == "bit_softmax") return Kind{E::bit_exp, N::fractions};
  if (softmax == "shiftmax") return Kind{E::shift_exp, N::fractions};
  if (softmax == "i_softmax") return Kind{E::i_exp, N::fractions};
  if (softmax == "table_softmax") return Kind{E::table_exp, N::fractions};
  if (softmax == "log_int_softmax") return Kind{E::i_exp, N::powers_of_two};
  return {};
}

}  // namespace

std::optional<DyadicNumber> dyadic(const Tensor& number, int64_t reach) {
  if (number.scalar_type() != at::kLong || number.dim() != 1 ||
      number.size(0) != 2)
    return {};
  const auto pair = number.accessor<int64_t, 1>();
  const int64_t m = pair[0], n = pair[1];
  if (m < 0 || m >= int64_t{1} << 31 || n < 0 || n > 62 ||
      (n < 31 && reach >= int64_t{1} << n))
    return {};
  return DyadicNumber{static_cast<int32_t>(m), static_cast<int32_t>(n)};
}

std::optional<SoftmaxParameters> softmax_parameters(c10::string_view name,
                                                    const Tensor& params) {
  constexpr int64_t entries = std::extent_v<decltype(
      SoftmaxParameters::entries)>;
  const auto kind = kind_of(name);
  if (!kind) return {};
  const bool has_table = kind->exponential == Exponential::table_exp;
  if (params.scalar_type() != at::kLong || params.dim() != 1 ||
      params.size(0) != 4 + has_table * entries || !params.is_contiguous())
    return {};
  const int64_t* values = params.const_data_ptr<int64_t>();
  // Scores lie within 2^25 of the maximum of their row.
  const int64_t smallest = std::max<int64_t>(values[0], -(1 << 26));
  const auto scale = dyadic(params.narrow(0, 1, 2), 0);
  const int64_t bits = values[3];
  // Exponents must lie in (-2^30, 0].
  if (!scale || smallest > 0 || bits < 1 || bits > 8 ||
      (-smallest * scale->m) >> scale->n >= 1 << 30)
    return {};
  SoftmaxParameters result{kind->exponential,
                           kind->normalization,
                           static_cast<int32_t>(smallest),
                           *scale,
                           static_cast<int>(bits),
                           {}};
  if (has_table) {
    const auto is_entry = [](int64_t x) {
      return x >= 1 << 24 && x <= 1 << 25;
    };
    if (!std::all_of(values + 4, values + 4 + entries, is_entry)) return {};
    std::copy_n(values + 4, entries, result.entries);
  }
  return result;
}

}  // namespace iptq
