// SPDX-License-Identifier: MIT
//
// Every operator on the device moves the states by its formula, on the tokens
// meant (interventions/proof.h).
#include "veer/interventions/operators.h"

#include <ATen/Parallel.h>

#include "device/support.h"
#include "veer/interventions/blend.h"
#include "veer/interventions/proof.h"

namespace veer::testing {
namespace {

SteeringInput everything(const ModelConfig& config) {
  Random random(3);
  const auto make = [&] {
    return random_tensor({config.num_layers, config.width}, random);
  };
  SteeringInput input;
  input.name = "probe";
  for (auto* tensor : {&input.directions_LD, &input.negative_mean_LD,
                       &input.positive_mean_LD, &input.read_LD, &input.mean_LD,
                       &input.second_LD, &input.condition_LD}) {
    *tensor = make();
  }
  const at::Tensor two[] = {make(), make()};
  input.basis_LKD = orthonormal_basis(two);
  input.low_rank_read_LKD = input.basis_LKD;
  input.low_rank_target_LKD =
      random_tensor({config.num_layers, 2, config.width}, random);
  input.low_rank_bias_LK = random_tensor({config.num_layers, 2}, random);
  return input;
}

TEST(OperatorsOnDevice, EachIsProven) {
  at::set_num_threads(1);
  Transformer model = tiny_model_on(tested_device());
  model.attach(random_adapter(model, 2, 5));
  const auto input = everything(model.config());
  const ProbeText probe{.ids = {4, 9, 2, 17, 5, 11, 8},
                        .prompt_length = 4,
                        .adapter_strength = 0.5};
  for (const auto& row : operator_table()) {
    Intervention wish;
    wish.operation = row.name;
    wish.scale = 0.7;
    wish.layer_mode = LayerMode::kAllOwn;
    const auto proof = prove_application(
        model, compile(wish, input, model.config().num_layers), probe);
    EXPECT_TRUE(proof.holds) << row.name << ": " << proof.summary;
  }
}

}  // namespace
}  // namespace veer::testing
