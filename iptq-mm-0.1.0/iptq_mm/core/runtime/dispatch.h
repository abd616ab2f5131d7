// Which instruction set runs, decided once per process and changed by tests.
#pragma once

#include "../kernels.h"

namespace iptq {

const Kernels& kernels();

}  // namespace iptq
