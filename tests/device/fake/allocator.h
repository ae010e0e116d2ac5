// SPDX-License-Identifier: MIT
#pragma once

#include <c10/core/Allocator.h>
#include <c10/core/DeviceType.h>

namespace veer::fake {

inline constexpr auto kType = c10::DeviceType::PrivateUse1;

// Torch's view of memory().
c10::Allocator& allocator();

}  // namespace veer::fake
