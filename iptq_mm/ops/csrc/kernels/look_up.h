// int8 -> int8 functions (GELU) by a table of 256 entries.
#pragma once

#include <cstdint>

namespace iptq {
namespace {

// table[q + 128] stands for q; in place.
template <class Isa>
void look_up(int8_t* values, int64_t count, const int8_t* table) {
  for (int64_t i = 0; i < count; ++i) values[i] = table[values[i] + 128];
}

}  // namespace
}  // namespace iptq
