// SPDX-License-Identifier: MIT
#include "veer/model/kernels_set.h"

namespace veer {

extern const KernelSet kGenericKernels = make_set("generic");

}  // namespace veer
