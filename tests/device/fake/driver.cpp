// SPDX-License-Identifier: MIT
//
// Stands for libcuda.so.1 of an NVIDIA driver, as far as look_at_cuda() asks
// it: VEER_FAKE_DRIVER="12040 0 1 75" is a driver for CUDA 12.4, whose cuInit
// answers 0 and that shows one card of compute capability 7.5.
#include <cstdio>
#include <cstdlib>

namespace {

struct Driver {
  int cuda = 0, init = 0, cards = 0, capability = 0;
};

Driver driver() {
  Driver said;
  if (const char* text = std::getenv("VEER_FAKE_DRIVER")) {
    std::sscanf(text, "%d %d %d %d", &said.cuda, &said.init, &said.cards,
                &said.capability);
  }
  return said;
}

}  // namespace

extern "C" {

int cuDriverGetVersion(int* version) {
  *version = driver().cuda;
  return 0;
}

int cuInit(unsigned /*flags*/) {
  return driver().init;
}

int cuDeviceGetCount(int* count) {
  *count = driver().cards;
  return 0;
}

int cuDeviceGetAttribute(int* value, int attribute, int /*device*/) {
  *value =
      attribute == 75 ? driver().capability / 10 : driver().capability % 10;
  return 0;
}
}
