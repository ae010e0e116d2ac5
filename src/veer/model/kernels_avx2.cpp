// SPDX-License-Identifier: MIT
#if defined(__x86_64__)
#include "veer/model/kernels_product.h"
#include "veer/model/kernels_set.h"

namespace veer {

extern const KernelSet kAvx2Kernels = make_set("avx2", {product, turn_weights});

}  // namespace veer
#endif
