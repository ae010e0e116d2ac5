// SPDX-License-Identifier: MIT
#include "veer/tensors/out_of_memory.h"

#include <algorithm>
#include <array>

#include <c10/util/Exception.h>
#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// False when the attempt ran out of memory. The exception is gone when this
// returns, and with it what its stack held.
bool fits(const std::function<void(std::int64_t)>& attempt, std::int64_t size) {
  try {
    attempt(size);
    return true;
  } catch (const c10::Error& error) {
    if (!is_out_of_memory(error)) {
      throw;
    }
    return false;
  }
}

}  // namespace

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) {
    return true;
  }
  const auto* torch = dynamic_cast<const c10::Error*>(&error);
  if (torch == nullptr) {
    return false;
  }
  const std::string_view text = torch->what_without_backtrace();
  constexpr std::array<std::string_view, 3> kWords = {
      "DefaultCPUAllocator: ", "CUDA error: out of memory",
      "CUBLAS_STATUS_ALLOC_FAILED"};
  return std::ranges::any_of(kWords, [&](std::string_view words) {
    return text.find(words) != std::string_view::npos;
  });
}

void halve_until_it_fits(std::string_view task, const BatchSize& batch,
                         const Monitor& monitor,
                         const std::function<void(std::int64_t)>& attempt) {
  auto size = std::max(batch.size, batch.smallest);
  while (!fits(attempt, size)) {
    if (size <= batch.smallest) {
      fail_run(task,
               fmt::format("no memory for a batch of {} {}", size, batch.unit),
               "room for the model and one text",
               fmt::format("the texts are too long for this device, or others "
                           "use it{}{}",
                           batch.remedy.empty() ? "" : "; ", batch.remedy));
    }
    const auto half = std::max(batch.smallest, size / 2);
    monitor.message(
        fmt::format("{}: out of memory with {} {}, going on with "
                    "{}",
                    task, size, batch.unit, half));
    size = half;
  }
}

}  // namespace veer
