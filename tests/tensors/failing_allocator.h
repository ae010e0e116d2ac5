// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

namespace veer::testing {

// While it lives, torch's CPU allocations go through it; the one with number
// `failing` (from 0) throws as a device without memory does.
class FailingAllocator : public c10::Allocator {
 public:
  explicit FailingAllocator(std::int64_t failing)
      : real_(c10::GetCPUAllocator()), failing_(failing) {
    c10::SetCPUAllocator(this, kPriority);
  }
  ~FailingAllocator() override { c10::SetCPUAllocator(real_, kPriority); }
  FailingAllocator(const FailingAllocator&) = delete;
  FailingAllocator& operator=(const FailingAllocator&) = delete;

  c10::DataPtr allocate(std::size_t bytes) override {
    TORCH_CHECK_WITH(OutOfMemoryError, asked_++ != failing_, "injected");
    return real_->allocate(bytes);
  }
  c10::DeleterFnPtr raw_deleter() const override {
    return real_->raw_deleter();
  }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    real_->copy_data(to, from, bytes);
  }

  std::int64_t asked() const { return asked_; }
  bool has_failed() const { return asked_ > failing_; }

 private:
  static constexpr std::uint8_t kPriority = 1;

  c10::Allocator* real_;
  std::int64_t failing_;
  std::int64_t asked_ = 0;
};

}  // namespace veer::testing
