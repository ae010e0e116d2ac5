// SPDX-License-Identifier: MIT
#include "device/fake/device.h"

#include <atomic>
#include <cstdlib>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "device/fake/allocator.h"

namespace veer::fake {
namespace {

std::atomic<bool> has_bfloat16 = true;

// One device, one stream, and everything is done when a call returns.
struct Guard final : c10::impl::DeviceGuardImplInterface {
  static c10::Stream stream() {
    return c10::Stream(c10::Stream::DEFAULT, fake::device());
  }
  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device) const override {
    return fake::device();
  }
  c10::Device getDevice() const override { return fake::device(); }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  c10::DeviceCapability getDeviceCapability(c10::Device) const override {
    c10::DeviceCapability capability;
    capability.capability_data.supported_scalar_types.has_BFloat16 =
        has_bfloat16 ? 1 : 0;
    return capability;
  }
  c10::Stream getStream(c10::Device) const override { return stream(); }
  c10::Stream getDefaultStream(c10::Device) const override { return stream(); }
  c10::Stream exchangeStream(c10::Stream) const override { return stream(); }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override {}
  void synchronizeDevice(c10::DeviceIndex) const override {}
  void record(void**, const c10::Stream&, c10::DeviceIndex,
              c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void synchronizeEvent(void*) const override {}
  void destroyEvent(void*, c10::DeviceIndex) const noexcept override {}
  void recordDataPtrOnStream(const c10::DataPtr&,
                             const c10::Stream&) const override {}
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override {
    return 0;
  }
  // The CPU's kernels draw from it.
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
    static const at::Generator generator = at::detail::createCPUGenerator(0);
    return generator;
  }
  c10::Device getDeviceFromPtr(void*) const override { return fake::device(); }
  c10::Allocator* getPinnedMemoryAllocator() const override {
    return &page_locked_allocator();
  }
  bool isPinnedPtr(const void* data) const override {
    return is_page_locked(data);
  }
};

const Guard guard;
const c10::impl::DeviceGuardImplRegistrar registrar(kType, &guard);

// Torch has one accelerator: where tests run on a real one, this is none.
const bool registered = [] {
  if (std::getenv("VEER_TEST_DEVICE") != nullptr) {
    return false;
  }
  c10::register_privateuse1_backend("fake");
  at::RegisterPrivateUse1HooksInterface(new Hooks);
  c10::SetAllocator(kType, &allocator(), /*priority=*/1);
  return true;
}();

}  // namespace

c10::Device device() {
  return {kType, 0};
}

void set_bfloat16(bool has) {
  has_bfloat16 = has;
}

}  // namespace veer::fake
