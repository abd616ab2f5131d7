// Functions of one code (GELU) by a table of all inputs.
#pragma once

#include "../kernels.h"

namespace iptq {
namespace {

// 8 bits: table[q + 128] stands for q; in place.
template <class Isa>
void look_up(const LookUpTask& task) {
  for (int64_t row = 0; row < task.rows; ++row) {
    int8_t* y = task.y + row * task.step;
    for (int64_t i = 0; i < task.count; ++i) y[i] = task.table[y[i] + 128];
  }
}

// 10 bits: y = table[q + 512].
template <class Isa>
void look_up_wide(const LookUpTask& task) {
  for (int64_t row = 0; row < task.rows; ++row) {
    const int16_t* codes = task.codes + row * task.step;
    int8_t* y = task.y + row * task.step;
    for (int64_t i = 0; i < task.count; ++i) y[i] = task.table[codes[i] + 512];
  }
}

}  // namespace
}  // namespace iptq
