// An attention in the form of the kernels.
#pragma once

#include <vector>

#include "../kernels.h"

struct iptq_attention {
  const iptq::Kernels* set;
  iptq::AttentionTask common;  // what all tasks have in common
  std::vector<iptq::DyadicNumber> score, output;  // of each head
};
