// SPDX-License-Identifier: MIT
#include "veer/model/dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/empty.h>

namespace veer {
namespace {

// One of its own: nothing else draws from it, and the seed starts it anew.
at::Generator generator_of(at::Device device, std::uint64_t seed) {
  if (device.is_cpu()) {
    return at::detail::createCPUGenerator(seed);
  }
  auto generator = at::globalContext().defaultGenerator(device).clone();
  generator.set_current_seed(seed);
  return generator;
}

}  // namespace

at::Tensor kept_elements(const at::Tensor& x, double chance,
                         std::uint64_t seed) {
  return at::empty(x.sizes(),
                   x.options().dtype(x.is_cpu() ? at::kFloat : at::kBool))
      .bernoulli_(1.0 - chance, generator_of(x.device(), seed));
}

}  // namespace veer
