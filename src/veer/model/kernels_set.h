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

constexpr KernelSet make_set(const char* name,
                             decltype(KernelSet::product) product) {
  return {name,          product,   norm,
          norm_backward, swiglu,    swiglu_backward,
          rotate,        attention, attention_backward};
}

}  // namespace
}  // namespace veer
