// SPDX-License-Identifier: MIT
#include "veer/generation/repetition.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "veer/generation/sampler.h"

namespace veer {
namespace {

TEST(Repetition, SeenTokensAreAscendingAndOnce) {
  const std::vector<std::int32_t> ids = {5, 2, 5};
  SeenTokens seen(ids);
  seen.add(3);
  seen.add(2);
  EXPECT_EQ(seen.ids(), (std::vector<std::int32_t>{2, 3, 5}));
}

// transformers' rule: a positive logit is divided, a negative one multiplied,
// each token once however often it stands there.
TEST(Repetition, LogitsOfSeenTokensShrink) {
  const auto logits_BV =
      at::tensor({2.0F, -2.0F, 1.0F, 4.0F, -1.0F, 0.0F}).view({2, 3});
  const SeenTokens first(std::vector<std::int32_t>{0, 1, 1});
  const SeenTokens second(std::vector<std::int32_t>{2});
  const SeenTokens* const seen[] = {&first, &second};
  const auto out_BV = with_repetition_penalty(logits_BV, seen, 2.0);
  const auto expected_BV =
      at::tensor({1.0F, -4.0F, 1.0F, 4.0F, -1.0F, 0.0F}).view({2, 3});
  EXPECT_TRUE(out_BV.equal(expected_BV));
  EXPECT_EQ(logits_BV[0][0].item<float>(), 2.0F);  // a copy
}

TEST(Repetition, TokensAreChosenByPenalisedLogitsAndMeasuredWithout) {
  const auto logits_BV = at::tensor({2.0F, 1.5F}).view({1, 2});
  const auto choice_BV = at::tensor({1.0F, 1.5F}).view({1, 2});
  const Sampling greedy;
  Random random(1);
  Random* const randoms[] = {&random};
  const auto drawn =
      draw_rows(logits_BV, {&greedy, 1}, randoms, choice_BV).front();
  EXPECT_EQ(drawn.id, 1);
  EXPECT_NEAR(drawn.log_prob, 1.5 - std::log(std::exp(2.0) + std::exp(1.5)),
              1e-6);
  EXPECT_EQ(draw_rows(logits_BV, {&greedy, 1}, randoms).front().id, 0);
}

}  // namespace
}  // namespace veer
