// SPDX-License-Identifier: MIT
#include "veer/tensors/cuda_machine.h"

#include <cstdlib>
#include <filesystem>

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <fmt/core.h>

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAnew =
    "delete .venv and build, then start ./veer: its set-up takes the torch "
    "that fits this machine's driver";

// The driver's functions that are asked, with the types of cuda.h. Its answers
// are CUresult, 0 for well.
class DriverLibrary {
 public:
  DriverLibrary() : handle_(::dlopen("libcuda.so.1", RTLD_LAZY)) {}
  bool is_there() const { return handle_ != nullptr; }

  template <class... Arguments>
  int call(const char* name, Arguments... arguments) const {
    using Function = int (*)(Arguments...);
    constexpr int kNotFound = 500;  // CUDA_ERROR_NOT_FOUND
    auto* const symbol = ::dlsym(handle_, name);
    return symbol == nullptr ? kNotFound
                             : reinterpret_cast<Function>(symbol)(arguments...);
  }

 private:
  void* handle_;  // never closed: torch uses the same library
};

bool system_shows_device() {
  std::error_code ec;
  const fs::path gpus = "/proc/driver/nvidia/gpus";
  return fs::exists("/dev/nvidiactl", ec) ||
         (fs::exists(gpus, ec) && !fs::is_empty(gpus, ec));
}

void ask_driver(const DriverLibrary& driver, CudaMachine& machine) {
  driver.call("cuDriverGetVersion", &machine.driver_cuda);
  machine.init_result = driver.call("cuInit", 0U);
  if (machine.init_result != 0 ||
      driver.call("cuDeviceGetCount", &machine.cards) != 0 ||
      machine.cards == 0) {
    return;
  }
  machine.has_device = true;
  constexpr int kMajor = 75;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
  constexpr int kMinor = 76;
  int major = 0;
  int minor = 0;
  if (driver.call("cuDeviceGetAttribute", &major, kMajor, 0) == 0 &&
      driver.call("cuDeviceGetAttribute", &minor, kMinor, 0) == 0) {
    machine.capability = 10 * major + minor;
  }
}

CudaFault no_library(const CudaMachine& machine) {
  if (!machine.has_device) {
    return {"this machine shows no NVIDIA device", "one",
            "there is none, or "
            "a container was started without it",
            "start the container with --gpus all"};
  }
  return {"there is an NVIDIA device, but no driver library (libcuda.so.1)",
          "the library of the driver",
          "no driver is installed, or a container was started without it",
          "install the NVIDIA driver; in a container, NVIDIA's container "
          "toolkit and --gpus all; under Windows, the driver of Windows alone"};
}

CudaFault driver_refuses(const CudaMachine& machine) {
  const std::string found = fmt::format(
      "the NVIDIA driver shows no card to this program (cuInit: {}{})",
      machine.init_result,
      machine.visible.empty()
          ? ""
          : fmt::format(", CUDA_VISIBLE_DEVICES={}", machine.visible));
  switch (machine.init_result) {
    case 803:
      return {found, "a library and a kernel module of one version",
              "the driver was updated and still runs in its old version",
              "restart the machine"};
    case 804:
      return {found, "a driver library that this card takes",
              "a cuda-compat package stands before the driver's own library",
              "take the folder of cuda-compat out of LD_LIBRARY_PATH"};
    default:
      return {found, "cuInit: 0 and a card at least",
              "no card is there, it is hidden, or another process holds it",
              "see what nvidia-smi says, and unset CUDA_VISIBLE_DEVICES"};
  }
}

std::string capability_text(int capability) {
  return fmt::format("{}.{}", capability / 10, capability % 10);
}

std::optional<CudaFault> versions_apart(const CudaMachine& machine) {
  const int torch = machine.torch_cuda / 1000;
  if (machine.driver_cuda / 1000 < torch) {
    return CudaFault{
        fmt::format("the NVIDIA driver runs programs up to CUDA {}, torch is "
                    "built for CUDA {}",
                    cuda_version_text(machine.driver_cuda),
                    cuda_version_text(machine.torch_cuda)),
        fmt::format("an NVIDIA driver from {} on, or torch for CUDA {}",
                    torch >= 13 ? 580 : 525, machine.driver_cuda / 1000),
        "torch was installed for a newer driver", kAnew};
  }
  const int card = machine.capability;
  const int least = torch >= 13 ? 75 : 50;
  // CUDA 12.8 brought the first kernels for cards above 9.0.
  const int most = machine.torch_cuda >= 12080 ? card : 90;
  if (card != 0 && (card < least || card > most)) {
    return CudaFault{
        fmt::format("the card has compute capability {}, for which torch with "
                    "CUDA {} has no kernels",
                    capability_text(card),
                    cuda_version_text(machine.torch_cuda)),
        card < least ? "torch for CUDA 12.6"
                     : "torch for CUDA 13, and an NVIDIA driver from 580 on",
        "torch was installed for another card", kAnew};
  }
  return std::nullopt;
}

}  // namespace

std::string cuda_version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

CudaMachine look_at_cuda() {
  CudaMachine machine;
  const auto& hooks = at::detail::getCUDAHooks();
  machine.torch_cuda =
      hooks.hasCUDART() ? static_cast<int>(hooks.versionCUDART()) : 0;
  machine.has_device = system_shows_device();
  if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES")) {
    machine.visible = *visible == '\0' ? "\"\"" : visible;
  }
  const DriverLibrary driver;
  machine.has_library = driver.is_there();
  if (machine.has_library) {
    ask_driver(driver, machine);
  }
  return machine;
}

std::optional<CudaFault> cuda_fault(const CudaMachine& machine) {
  if (!machine.has_library) {
    return no_library(machine);
  }
  if (machine.cards == 0) {
    return driver_refuses(machine);
  }
  if (machine.torch_cuda == 0) {
    return CudaFault{
        fmt::format("there is an NVIDIA card, and its driver runs programs up "
                    "to CUDA {}; torch is built for CPUs alone",
                    cuda_version_text(machine.driver_cuda)),
        "torch for CUDA", "Veer was set up where nvidia-smi showed no card",
        kAnew};
  }
  return versions_apart(machine);
}

}  // namespace veer
