// SPDX-License-Identifier: MIT
#include "veer/vectors/confounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "vectors/planted.h"

namespace veer {
namespace {

constexpr std::int64_t kWidth = 32;
constexpr std::int64_t kItems = 40;

// Two vectors that share nothing but a confound.
class Confounded : public testing::Test {
 protected:
  at::Tensor length_ = unit(kWidth, 0) * 4.0;
  std::vector<ComparedVector> vectors_ = {
      vector_of_questions("a", length_ + unit(kWidth, 1) * 3.0, kItems, 1),
      vector_of_questions("b", length_ + unit(kWidth, 2) * 3.0, kItems, 2)};
  std::vector<ComparedVector> confounds_ = {
      vector_of_questions("confound_length@answer_mean", length_, kItems, 3),
      vector_of_questions("confound_system@prompt_end", unit(kWidth, 5), kItems,
                          4, "prompt_end")};
};

TEST_F(Confounded, WhatCarriesTheBehaviourIsNotTakenOut) {
  confounds_[0].vector.contrast = "confound_length";
  const auto report =
      compare_with_confounds(vectors_, confounds_, 0.95, {"confound_length"});
  EXPECT_EQ(report.overlaps.size(), 2U);  // still shown
  EXPECT_TRUE(report.pairs[0].confounds.empty());
  const auto& at = report.pairs[0].by_layer[0];
  EXPECT_NEAR(*at.cosine, *at.raw_cosine, 1e-6);
  EXPECT_NEAR(at.removed_a, 0.0, 1e-9);
}

TEST_F(Confounded, ShareInSpanIsThatOfTheSamePlace) {
  const auto share = share_in_span(vectors_[0], confounds_);
  EXPECT_EQ(share.used,
            std::vector<std::string>{"confound_length@answer_mean"});
  ASSERT_EQ(share.by_layer.size(), 1U);
  EXPECT_NEAR(share.by_layer[0], 16.0 / 25.0, 0.04);
}

TEST_F(Confounded, AgreementThroughAConfoundGoesWithIt) {
  const auto report = compare_with_confounds(vectors_, confounds_, 0.95);
  ASSERT_EQ(report.overlaps.size(), 2U);  // the other position is left out
  const auto& overlap = report.overlaps[0].by_layer[0];
  EXPECT_NEAR(*overlap.cosine.value, 0.8, 0.03);
  EXPECT_LT(*overlap.cosine.low, 0.8);
  EXPECT_NEAR(*overlap.share, 0.64, 0.04);
  ASSERT_EQ(report.pairs.size(), 1U);
  const auto& pair = report.pairs[0].by_layer[0];
  EXPECT_NEAR(*pair.raw_cosine, 0.64, 0.03);
  EXPECT_LT(std::abs(*pair.cosine), 0.05);
  EXPECT_NEAR(pair.removed_a, 0.64, 0.04);
  EXPECT_EQ(confounds_json(report)["overlaps"].size(), 2U);
}

// Of isotropic activations 95 of 100 directions have a squared cosine below
// about .12 with a given one in 32 dimensions; with the largest of two, more.
TEST_F(Confounded, ChanceHasALargestShareToo) {
  const auto one = compare_with_confounds(vectors_, confounds_, 0.95);
  ASSERT_EQ(one.by_chance.size(), 2U);
  EXPECT_EQ(one.by_chance[0].confounds,
            std::vector<std::string>{"confound_length@answer_mean"});
  const double single = one.by_chance[0].largest_share[0].value();
  EXPECT_NEAR(single, 0.12, 0.06);
  confounds_.push_back(vector_of_questions("confound_format@answer_mean",
                                           unit(kWidth, 7), kItems, 5));
  const auto two = compare_with_confounds(vectors_, confounds_, 0.95);
  EXPECT_GT(two.by_chance[0].largest_share[0].value(), single);
  confounds_[0].vector.contrast = "confound_length";
  confounds_.pop_back();
  const auto none =
      compare_with_confounds(vectors_, confounds_, 0.95, {"confound_length"});
  EXPECT_FALSE(none.by_chance[0].largest_share[0].has_value());
  const auto json = confounds_json(two)["by_chance"];
  EXPECT_EQ(json[1]["vector"], "b");
  EXPECT_TRUE(json[1]["by_layer"][0]["largest_share"].is_number());
}

TEST_F(Confounded, AZeroConfoundHasAReasonAndNoNumber) {
  confounds_[0].vector.directions_LD.zero_();
  confounds_[0].rows.positive = confounds_[0].rows.negative;
  const auto report = compare_with_confounds(vectors_, confounds_, 0.95);
  EXPECT_FALSE(report.overlaps[0].by_layer[0].cosine.established());
  EXPECT_FALSE(report.overlaps[0].by_layer[0].cosine.reason.empty());
  EXPECT_FALSE(report.overlaps[0].by_layer[0].share.has_value());
}

TEST_F(Confounded, SomeQuestionsAlone) {
  const auto few = cosine_on(vectors_[0], vectors_[1], item_ids(3), 0.95);
  EXPECT_THAT(few[0].reason, testing::HasSubstr("fewer than 4"));
  const auto half = cosine_on(vectors_[0], vectors_[1], item_ids(20), 0.95);
  EXPECT_EQ(half[0].n, 20);
  EXPECT_NEAR(*half[0].value, 0.64, 0.05);
}

}  // namespace
}  // namespace veer
