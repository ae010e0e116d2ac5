// SPDX-License-Identifier: MIT
#include "veer/tensors/device.h"

#include <atomic>
#include <cstdlib>
#include <string>

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceGuard.h>
#include <fmt/core.h>

#include "veer/base/device_name.h"
#include "veer/base/error.h"
#include "veer/tensors/cuda_machine.h"

namespace veer {
namespace {

std::atomic<bool> repeatable_wanted = false;

// What torch can use besides the CPU. A library that is loaded before may
// bring a device of its own and have it stand for cuda.
bool can_use(at::DeviceType type) {
  return at::accelerator::deviceCount() > 0 && at::getAccelerator() == type;
}

[[noreturn]] void refuse(std::string_view name, const std::string& found,
                         const std::string& expected,
                         const std::string& cause) {
  fail("load model", fmt::format("--device {}: {}", name, found), expected,
       cause);
}

}  // namespace

at::Device find_device(std::string_view name) {
  const DeviceName wanted = parse_device_name(name, "--device");
  if (wanted.kind == "mps") {
    refuse(name, "Apple's cards have no 64-bit floating-point numbers",
           "--device cpu", "Veer sums activations and losses in them");
  }
  if (wanted.kind == "auto") {
    return can_use(at::kCUDA) ? at::Device(at::kCUDA) : at::Device(at::kCPU);
  }
  const at::Device device{std::string(name)};
  if (device.is_cpu()) {
    return device;
  }
  if (!can_use(device.type())) {
    const auto fault =
        cuda_fault(look_at_cuda())
            .value_or(CudaFault{"torch sees no CUDA device", "one",
                                "torch could not start CUDA",
                                "see what nvidia-smi says"});
    refuse(name, fault.found, fault.expected + ", or --device cpu",
           fmt::format("{}. Remedy: {}", fault.cause, fault.remedy));
  }
  const auto count = static_cast<int>(at::accelerator::deviceCount());
  if (device.index() >= count) {
    refuse(name,
           fmt::format("torch sees {} device{}", count, count == 1 ? "" : "s"),
           count == 1 ? "cuda or cuda:0"
                      : fmt::format("cuda:0 to cuda:{}", count - 1),
           "a number that counts from 1, or CUDA_VISIBLE_DEVICES hides cards");
  }
  return device;
}

bool computes_in_bfloat16(at::Device device) {
  if (device.is_cpu()) {
    return true;
  }
  const c10::DeviceGuard guard(device);
  if (device.is_cuda()) {
    // Torch's question for compute capability 8, and the only one about it
    // that needs no CUDA headers. AMD's cards that it supports all can.
    const auto& cuda = at::globalContext();
    return cuda.hasROCM() ||
           at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
  }
  const auto index = at::accelerator::getDeviceIndex();
  return at::accelerator::getDeviceCapability(index)
             .capability_data.supported_scalar_types.has_BFloat16 != 0;
}

std::optional<std::int64_t> free_memory(at::Device device) {
  if (device.is_cpu()) {
    return std::nullopt;
  }
  const auto* const torchs =
      dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(device.type()));
  if (torchs == nullptr) {
    return std::nullopt;
  }
  const c10::DeviceGuard guard(device);
  const auto index = at::accelerator::getDeviceIndex();
  constexpr auto kAll =
      static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto free = at::accelerator::getMemoryInfo(index).first;
  const auto stats = at::accelerator::getDeviceStats(index);
  return static_cast<std::int64_t>(free) + stats.reserved_bytes[kAll].current -
         stats.allocated_bytes[kAll].current;
}

void want_repeatable_algorithms(at::Device device, bool on) {
  repeatable_wanted = on && !device.is_cpu();
  if (repeatable_wanted) {
    // cuBLAS reads it when it starts; what the user set stays.
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
    // It would fill every fresh tensor with NaN.
    at::globalContext().setDeterministicFillUninitializedMemory(false);
  }
}

RepeatableScope::RepeatableScope()
    : before_(at::globalContext().deterministicAlgorithms()),
      warned_only_(at::globalContext().deterministicAlgorithmsWarnOnly()) {
  if (repeatable_wanted) {
    // An operator without such an algorithm still runs, with torch's warning.
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  }
}

RepeatableScope::~RepeatableScope() {
  at::globalContext().setDeterministicAlgorithms(before_, warned_only_);
}

}  // namespace veer
