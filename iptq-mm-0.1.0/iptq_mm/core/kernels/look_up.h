// Functions of one code (GELU) by a table of all inputs.
#pragma once

#include <cstdint>

namespace iptq {
namespace {

// 8 bits: table[q + 128] stands for q; in place.
template <class Isa>
void look_up(int8_t* values, int64_t count, const int8_t* table) {
  for (int64_t i = 0; i < count; ++i) values[i] = table[values[i] + 128];
}

// 10 bits: y = table[q + 512].
template <class Isa>
void look_up_wide(const int16_t* codes, int64_t count, const int8_t* table,
                  int8_t* y) {
  for (int64_t i = 0; i < count; ++i) y[i] = table[codes[i] + 512];
}

}  // namespace
}  // namespace iptq
