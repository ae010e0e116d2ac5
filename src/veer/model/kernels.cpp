// SPDX-License-Identifier: MIT
#include "veer/model/kernels.h"

#include <vector>

namespace veer {

extern const KernelSet kGenericKernels;
#if defined(__x86_64__)
extern const KernelSet kAvx2Kernels;
extern const KernelSet kAvx512Kernels;
#endif

namespace {

std::int64_t up_to(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

std::vector<const KernelSet*> find_runnable() {
  std::vector<const KernelSet*> sets;
#if defined(__x86_64__)
  const bool avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    sets.push_back(&kAvx512Kernels);
  }
  if (avx2) {
    sets.push_back(&kAvx2Kernels);
  }
#endif
  sets.push_back(&kGenericKernels);
  return sets;
}

}  // namespace

std::span<const KernelSet* const> runnable_kernels() {
  static const std::vector<const KernelSet*> sets = find_runnable();
  return sets;
}

const KernelSet& kernels() {
  static const KernelSet& best = *runnable_kernels().front();
  return best;
}

std::int64_t attention_scratch(std::int64_t positions, std::int64_t width) {
  const std::int64_t padded_keys = up_to(positions, 32);
  return 4 * padded_keys + width * padded_keys + positions * up_to(width, 32);
}

std::int64_t attention_backward_scratch(std::int64_t positions,
                                        std::int64_t width) {
  const std::int64_t padded_keys = up_to(positions, 32);
  const std::int64_t padded = up_to(width, 32);
  return 2 * width * padded_keys + 3 * up_to(positions, 4) * padded +
         2 * 64 * padded_keys + 2 * 64 * padded;
}

}  // namespace veer
