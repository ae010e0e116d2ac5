// SPDX-License-Identifier: MIT
#include "veer/model/fingerprint.h"

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"

namespace veer {
namespace {

using Weights = std::vector<std::pair<std::string, at::Tensor>>;

std::string print_of(const ModelConfig& config, const Weights& weights) {
  return model_fingerprint(config, weights);
}

TEST(ModelFingerprint, ChangesWithAnythingThatDecidesTheOutputs) {
  const ModelConfig config = parse_model_config(tiny_config_json(), "tiny");
  const Weights weights = {{"a", at::ones({2, 3})}};
  const std::string own = print_of(config, weights);
  EXPECT_EQ(own.size(), 32U);
  EXPECT_EQ(print_of(config, {{"a", at::ones({2, 3})}}), own);

  EXPECT_NE(print_of(config, {{"b", at::ones({2, 3})}}), own);
  EXPECT_NE(print_of(config, {{"a", at::ones({3, 2})}}), own);
  EXPECT_NE(print_of(config, {{"a", at::ones({2, 3}).to(at::kHalf)}}), own);
  auto changed = at::ones({2, 3});
  changed[1][2] = 1.0000001;
  EXPECT_NE(print_of(config, {{"a", changed}}), own);

  ModelConfig other = config;
  other.norm_eps *= 2.0;
  EXPECT_NE(print_of(other, weights), own);
  other = config;
  other.rope.theta += 1.0;
  EXPECT_NE(print_of(other, weights), own);
}

TEST(ModelFingerprint, DoesNotDependOnHowAWeightLiesInMemory) {
  const ModelConfig config = parse_model_config(tiny_config_json(), "tiny");
  Random random(3);
  const auto weight = random_tensor({4, 6}, random);
  EXPECT_EQ(print_of(config, {{"a", weight.t().contiguous().t()}}),
            print_of(config, {{"a", weight}}));
}

}  // namespace
}  // namespace veer
