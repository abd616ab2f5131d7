// Which instruction set runs, decided once per process and changed by tests.
#pragma once

#include <string>
#include <vector>

#include "kernels.h"

namespace iptq {

const Kernels& kernels();

// Names of the instruction sets of this machine, the slowest first.
std::vector<std::string> isas();

// Throws c10::Error for a name that is not one of isas().
void set_isa(const std::string& name);

}  // namespace iptq
