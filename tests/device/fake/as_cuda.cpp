// SPDX-License-Identifier: MIT
//
// Preloaded (LD_PRELOAD), it makes the fake device what a program gets that
// asks torch for "cuda" or "cuda:N" by name. At the end the counts go as JSON
// into the file that VEER_FAKE_REPORT names; VEER_FAKE_BFLOAT16=0 stands for a
// card without bfloat16, VEER_FAKE_BYTES for one with so much memory.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <c10/core/Device.h>
#include <dlfcn.h>

#include "device/fake/counts.h"
#include "device/fake/device.h"
#include "device/fake/memory.h"

namespace {

// c10::Device::Device(const std::string&), as compilers spell it.
constexpr const char* kConstructor =
    "_ZN3c106DeviceC1ERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE";

class Process {
 public:
  Process() {
    if (const char* has = std::getenv("VEER_FAKE_BFLOAT16")) {
      veer::fake::set_bfloat16(std::string(has) != "0");
    }
    if (const char* bytes = std::getenv("VEER_FAKE_BYTES")) {
      veer::fake::memory().set_limit(std::strtoull(bytes, nullptr, 10));
    }
  }
  ~Process() {
    const char* path = std::getenv("VEER_FAKE_REPORT");
    std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "w");
    if (file == nullptr) {
      return;
    }
    const auto counts = veer::fake::counts();
    std::fprintf(file,
                 "{\"launches\": %lld, \"waits\": %lld, \"bytes_to_device\": "
                 "%lld, \"bytes_to_host\": %lld, \"peak_bytes\": %lld}\n",
                 static_cast<long long>(counts.launches),
                 static_cast<long long>(counts.waits),
                 static_cast<long long>(counts.bytes_to_device),
                 static_cast<long long>(counts.bytes_to_host),
                 static_cast<long long>(counts.peak_bytes));
    std::fclose(file);
  }
};

const Process process;

}  // namespace

extern "C" __attribute__((visibility("default"))) void
veer_fake_named(c10::Device* self, const std::string& name) __asm__(
    "_ZN3c106DeviceC1ERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESa"
    "IcEEE");

extern "C" void veer_fake_named(c10::Device* self, const std::string& name) {
  using Constructor = void (*)(c10::Device*, const std::string&);
  static const auto real =
      reinterpret_cast<Constructor>(dlsym(RTLD_NEXT, kConstructor));
  real(self, name);
  if (self->type() == c10::kCUDA) {
    *self = c10::Device(veer::fake::device().type(), self->index());
  }
}
