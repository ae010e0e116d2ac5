// SPDX-License-Identifier: MIT
//
// Included by kernels_<set>.cpp, each compiled for its instruction set. Only
// internal linkage and no standard library here and in what is included, so
// that no function built for a newer machine can replace its namesake elsewhere
// at link time.
#pragma once

#include "veer/model/kernels_attention.h"
#include "veer/model/kernels_attention_backward.h"
#include "veer/model/kernels_elementwise.h"

namespace veer {
namespace {

// What kernels_product.h makes, where it is worth while.
struct ProductKernels {
  decltype(KernelSet::product) product = nullptr;
  decltype(KernelSet::turn_weights) turn_weights = nullptr;
};

constexpr KernelSet make_set(const char* name,
                             const ProductKernels& products = {}) {
  return {name,
          products.product,
          products.turn_weights,
          norm,
          norm_backward,
          swiglu,
          swiglu_backward,
          rotate,
          attention,
          attention_backward};
}

}  // namespace
}  // namespace veer
