// A lowered Softmax candidate, and dyadic numbers, in the form of the kernels.
#pragma once

#include <cstdint>

#include "kernels.h"

namespace iptq {

// (m, n), if it keeps every |x| <= reach in int32; throws Unsupported.
DyadicNumber dyadic(const int64_t number[2], int64_t reach);

// Throws Unsupported for a candidate, or parameters, that only the reference
// knows.
SoftmaxParameters softmax_parameters(const char* name, int64_t count,
                                     const int64_t* params);

}  // namespace iptq
