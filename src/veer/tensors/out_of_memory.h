// SPDX-License-Identifier: MIT
//
// What a job does when memory runs out: it tells its caller and goes on with
// batches of half the size. Only for work whose results do not depend on its
// batches.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string_view>

#include "veer/base/progress.h"

namespace veer {

// Whether `error` is torch's about memory that it did not get: of a device's
// allocator, of the CPU's (a plain c10::Error), or of a CUDA library.
bool is_out_of_memory(const std::exception& error);

// How much runs together, and how far that may shrink.
struct BatchSize {
  std::int64_t size = 1;
  std::int64_t smallest = 1;
  std::string_view unit;  // "rows", "tokens"
  // What helps where the smallest does not fit: "shorter texts".
  std::string_view remedy = {};
};

// Calls attempt(batch.size); each time that it runs out of memory, again with
// half of that, and says so through the monitor. `attempt` keeps what it has
// finished and goes on behind it. Throws Error{kFailed} when the smallest size
// does not fit either, and whatever else `attempt` throws.
void halve_until_it_fits(std::string_view task, const BatchSize& batch,
                         const Monitor& monitor,
                         const std::function<void(std::int64_t)>& attempt);

}  // namespace veer
