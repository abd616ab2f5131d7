// The instruction sets of the machine that runs this.
#pragma once

#include <vector>

#include "../kernels.h"

namespace iptq {

// The slowest first; never empty.
std::vector<const Kernels*> available_kernels();

}  // namespace iptq
