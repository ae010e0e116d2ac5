// SPDX-License-Identifier: MIT
#include "device/fake/allocator.h"

#include <cstring>

#include "device/fake/device.h"
#include "device/fake/memory.h"

namespace veer::fake {
namespace {

void release(void* device) {
  memory().release(device);
}

struct Allocator final : c10::Allocator {
  c10::DataPtr allocate(std::size_t bytes) override {
    void* const at = memory().allocate(bytes);
    return {at, at, &release, device()};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    std::memcpy(memory().host(to), memory().host(from), bytes);
  }
};

}  // namespace

c10::Allocator& allocator() {
  static auto* const one = new Allocator;
  return *one;
}

}  // namespace veer::fake
