// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <c10/core/Allocator.h>
#include <c10/core/DeviceType.h>

namespace veer::fake {

inline constexpr auto kType = c10::DeviceType::PrivateUse1;

// Torch's view of memory().
c10::Allocator& allocator();

// Page-locked memory of the host: a copy out of it need not be waited for.
c10::Allocator& page_locked_allocator();
bool is_page_locked(const void* data);
// Most bytes of it in use at once since the last call; it starts again from
// what is in use.
std::size_t take_page_locked_peak();
// From now on there is none, or there is again.
void refuse_page_locked(bool refuses);

}  // namespace veer::fake
