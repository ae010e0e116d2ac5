// SPDX-License-Identifier: MIT
#include "veer/study/steering_inputs.h"

#include <cmath>

#include <ATen/ops/empty_like.h>

#include "veer/base/random.h"

namespace veer {
SteeringInput random_input(const SteeringInput& like, const std::string& name,
                           std::uint64_t seed) {
  SteeringInput input;
  input.name = name;
  input.norms = like.norms;
  input.directions_LD = at::empty_like(like.directions_LD);
  const auto width = like.directions_LD.size(1);
  const float* wanted = like.directions_LD.const_data_ptr<float>();
  float* out = input.directions_LD.mutable_data_ptr<float>();
  Random random(seed, name);
  for (std::int64_t layer = 0; layer < like.directions_LD.size(0); ++layer) {
    double wanted_square = 0.0;
    double square = 0.0;
    for (std::int64_t d = 0; d < width; ++d) {
      const auto i = layer * width + d;
      out[i] = static_cast<float>(random.normal());
      square += static_cast<double>(out[i]) * out[i];
      wanted_square += static_cast<double>(wanted[i]) * wanted[i];
    }
    const double factor = std::sqrt(wanted_square / square);
    for (std::int64_t d = 0; d < width; ++d) {
      const auto i = layer * width + d;
      out[i] = static_cast<float>(out[i] * factor);
    }
  }
  return input;
}

}  // namespace veer
