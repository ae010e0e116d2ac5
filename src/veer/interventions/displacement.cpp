// SPDX-License-Identifier: MIT
#include "veer/interventions/displacement.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include "veer/base/error.h"

namespace veer {

at::Tensor fixed_displacement(const Intervention& intervention,
                              const SteeringInput& input,
                              std::int64_t num_layers) {
  auto out_LD =
      at::zeros({num_layers, input.directions_LD.size(1)}, at::kFloat);
  for (const auto& edit : compile(intervention, input, num_layers)) {
    const bool fixed = edit.code == EditCode::kPush && edit.numbers.b == 0.0F &&
                       !edit.keeps_norm && !edit.condition_D.defined() &&
                       !edit.random_KD.defined();
    if (!fixed) {
      fail("fixed displacement",
           "operator " + intervention.operation + " in unit " +
               std::string(unit_name(intervention.unit)),
           "add or subtract in unit raw, unit, rel or sigma",
           "the change depends on the hidden state");
    }
    out_LD[edit.site.layer] += edit.write_KD[0] * edit.numbers.a;
  }
  return out_LD;
}

}  // namespace veer
