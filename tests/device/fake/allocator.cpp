// SPDX-License-Identifier: MIT
#include "device/fake/allocator.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Exception.h>

#include "device/fake/device.h"
#include "device/fake/memory.h"

namespace veer::fake {
namespace {

void release(void* device) {
  memory().release(device);
}

// What torch asks a card's allocator; it holds nothing unused.
struct Allocator final : c10::DeviceAllocator {
  c10::DataPtr allocate(std::size_t bytes) override {
    void* const at = memory().allocate(bytes);
    return {at, at, &release, device()};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(
      c10::DeviceIndex) override {
    c10::CachingDeviceAllocator::DeviceStats stats;
    constexpr auto kAll =
        static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    const auto used = static_cast<std::int64_t>(memory().used());
    stats.reserved_bytes[kAll].current = used;
    stats.allocated_bytes[kAll].current = used;
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {}
  std::pair<std::size_t, std::size_t> getMemoryInfo(c10::DeviceIndex) override {
    const auto all = memory().limit();
    return {all - std::min(all, memory().used()), all};
  }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    std::memcpy(memory().host(to), memory().host(from), bytes);
  }
};

struct PageLocked {
  std::mutex mutex;
  std::map<const void*, std::size_t> blocks;  // and their bytes
  std::size_t used = 0;
  std::size_t peak = 0;
  bool refuses = false;
};

PageLocked& page_locked() {
  static auto* const one = new PageLocked;
  return *one;
}

void release_page_locked(void* data) {
  const std::lock_guard lock(page_locked().mutex);
  auto& own = page_locked();
  const auto block = own.blocks.find(data);
  own.used -= block->second;
  own.blocks.erase(block);
  std::free(data);
}

struct PageLockedAllocator final : c10::Allocator {
  c10::DataPtr allocate(std::size_t bytes) override {
    auto& own = page_locked();
    const std::lock_guard lock(own.mutex);
    TORCH_CHECK(!own.refuses, "fake device: no page-locked memory");
    void* const at = std::malloc(std::max<std::size_t>(bytes, 1));
    own.blocks.emplace(at, bytes);
    own.used += bytes;
    own.peak = std::max(own.peak, own.used);
    return {at, at, &release_page_locked, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override {
    return &release_page_locked;
  }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
};

}  // namespace

c10::Allocator& page_locked_allocator() {
  static auto* const one = new PageLockedAllocator;
  return *one;
}

bool is_page_locked(const void* data) {
  const std::lock_guard lock(page_locked().mutex);
  return page_locked().blocks.contains(data);
}

std::size_t take_page_locked_peak() {
  auto& own = page_locked();
  const std::lock_guard lock(own.mutex);
  return std::exchange(own.peak, own.used);
}

void refuse_page_locked(bool refuses) {
  const std::lock_guard lock(page_locked().mutex);
  page_locked().refuses = refuses;
}

c10::Allocator& allocator() {
  static auto* const one = new Allocator;
  return *one;
}

}  // namespace veer::fake
