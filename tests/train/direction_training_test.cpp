// SPDX-License-Identifier: MIT
#include "veer/train/direction_training.h"

#include <algorithm>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"

namespace veer {
namespace {

std::vector<AnsweredPrompt> two_texts() {
  return {{{1, 4, 7, 2}, 2}, {{3, 5, 9}, 2}};
}

TEST(DirectionTraining, PacksEveryAnswerTokenBehindTheOneThatPredictsIt) {
  const auto got = pack_answers(two_texts(), at::kCPU);
  EXPECT_TRUE(got.before_N.equal(at::tensor({1L, 2L, 5L})));
  EXPECT_TRUE(got.ids_N.equal(at::tensor({7L, 2L, 9L})));
  EXPECT_TRUE(got.text_N.equal(at::tensor({0L, 0L, 1L})));
  EXPECT_THAT(got.last_prompt, testing::ElementsAre(1, 5));
}

TEST(DirectionTraining, FactorsBeginAtTheLastTokenOfThePrompt) {
  const auto texts = pack_answers(two_texts(), at::kCPU);
  const std::vector<double> factors = {2.0, -1.0};
  EXPECT_TRUE(from_prompt_end(texts, factors)
                  .equal(at::tensor({0.F, 2.F, 2.F, 2.F, 0.F, -1.F, -1.F})));
}

TEST(DirectionTraining, LogProbabilitiesAreThoseOfEachTextAlone) {
  const Transformer model = tiny_model();
  const auto texts = two_texts();
  const auto got = answer_log_probs(model, pack_answers(texts, at::kCPU), {});
  const Rows alone = {texts[1].ids};
  const auto hidden_TD = model.forward(pack(alone), {});
  const auto wanted = at::log_softmax(model.logits(hidden_TD), 1)[1][9];
  EXPECT_NEAR(got[2].item<double>(), wanted.item<double>(), 1e-5);
}

TEST(DirectionTraining, EveryItemComesOnceBeforeAnyComesAgain) {
  ItemOrder order(5, Random(1));
  std::vector<std::size_t> seen;
  for (int round = 0; round < 5; ++round) {
    const auto some = order.next(2);
    seen.insert(seen.end(), some.begin(), some.end());
  }
  for (const auto half : {0, 5}) {
    std::vector<std::size_t> once(seen.begin() + half, seen.begin() + half + 5);
    EXPECT_THAT(once, testing::UnorderedElementsAre(0, 1, 2, 3, 4));
  }
  EXPECT_EQ(order.next(99).size(), 5U);
}

TEST(DirectionTraining, StopsAtALossThatIsNotFinite) {
  const auto losses =
      run_steps(2, 3, [](std::int64_t s) { return 1.0 / s; }, {});
  EXPECT_THAT(losses, testing::ElementsAre(1.0, 0.5, 1.0 / 3.0));
  const auto second_is_nan = [](std::int64_t s) {
    return s == 2 ? std::numeric_limits<double>::quiet_NaN() : 1.0;
  };
  try {
    run_steps(4, 3, second_is_nan, {});
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("step 2 of layer 4"));
  }
}

TEST(DirectionTraining, RefusesWhatCannotBeTrained) {
  const Transformer model = tiny_model();
  EXPECT_THROW(check_direction_training(model, 3, 1, 1), Error);
  EXPECT_THROW(check_direction_training(model, -1, 1, 1), Error);
  EXPECT_THROW(check_direction_training(model, 0, 0, 1), Error);
  EXPECT_THROW(check_direction_training(model, 0, 1, 0), Error);
  EXPECT_THROW(check_answer({{1, 2}, 2}), Error);
  EXPECT_THROW(check_answer({{1, 2}, 0}), Error);
  check_direction_training(model, 2, 1, 1);
  check_answer({{1, 2}, 1});
}

}  // namespace
}  // namespace veer
