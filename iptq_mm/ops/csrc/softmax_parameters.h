// A lowered Softmax candidate, and dyadic numbers, in the form of the kernels.
#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

#include "kernels.h"

namespace iptq {

// m 2^-n of an int64 [2], if it keeps every |x| <= reach in int32.
std::optional<DyadicNumber> dyadic(const at::Tensor& number, int64_t reach);

// None for a candidate, or parameters, that only the reference knows.
std::optional<SoftmaxParameters> softmax_parameters(c10::string_view name,
                                                    const at::Tensor& params);

}  // namespace iptq
