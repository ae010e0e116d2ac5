// SPDX-License-Identifier: MIT
#include "device/fake/counts.h"

#include <mutex>

#include "device/fake/memory.h"

namespace veer::fake {
namespace {

struct Shared {
  std::mutex mutex;
  Counts counts;
};

// Lives as long as the process: counted until the last tensor is gone.
Shared& shared() {
  static auto* const one = new Shared;
  return *one;
}

}  // namespace

Counts counts() {
  const std::lock_guard lock(shared().mutex);
  Counts copy = shared().counts;
  copy.peak_bytes = static_cast<std::int64_t>(memory().peak());
  return copy;
}

void reset_counts() {
  const std::lock_guard lock(shared().mutex);
  shared().counts = {};
  memory().reset_peak();
}

void count_launch(std::string_view name, bool waits) {
  const std::lock_guard lock(shared().mutex);
  auto& counts = shared().counts;
  ++counts.launches;
  counts.waits += waits ? 1 : 0;
  ++counts.by_name[std::string(name)];
}

void count_copy(std::string_view name, bool waits, std::int64_t to_device,
                std::int64_t to_host) {
  const std::lock_guard lock(shared().mutex);
  auto& counts = shared().counts;
  counts.waits += waits ? 1 : 0;
  counts.bytes_to_device += to_device;
  counts.bytes_to_host += to_host;
  ++counts.by_name[std::string(name)];
}

}  // namespace veer::fake
