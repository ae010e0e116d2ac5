// SPDX-License-Identifier: MIT
//
// A device that torch takes for an accelerator (its PrivateUse1 backend) and
// that computes on the CPU. It finds what a GPU would refuse or wait for:
//
// - an operator whose tensors lie on different devices throws,
// - the host reading or writing device memory ends in SIGSEGV (memory.h),
// - launches, waits, bytes copied and bytes in use are counted (counts.h).
//
// It says nothing of a GPU's kernels, of its dtypes, of races or of time.
#pragma once

#include <c10/core/Device.h>

namespace veer::fake {

// Linking or preloading the library registers it; there is one of its kind.
c10::Device device();

// Whether the device says that it computes in bfloat16; it does at first.
void set_bfloat16(bool has);

}  // namespace veer::fake
