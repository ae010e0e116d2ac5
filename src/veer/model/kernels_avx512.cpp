// SPDX-License-Identifier: MIT
#if defined(__x86_64__)
#include "veer/model/kernels_product.h"
#include "veer/model/kernels_set.h"

namespace veer {

extern const KernelSet kAvx512Kernels =
    make_set("avx512", {product, turn_weights});

}  // namespace veer
#endif
