// SPDX-License-Identifier: MIT
#include "veer/claims/grid_claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted_sweep.h"
#include "veer/claims/ease_claim.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

constexpr const char* kC = "contrastive@p";

// A grid over layers at one scale, with these shares of deceptive answers.
PlantedSweep grid(const std::vector<double>& shares, double scale = 0.5) {
  PlantedSweep planted;
  planted.add_effect(kC, "induction", shares[0]);
  // The chosen cell of layer 0 is no part of the grid here.
  planted.sweep()["cells"].back()["unit"] = "raw";
  for (std::size_t l = 0; l < shares.size(); ++l) {
    planted.add_cell(kC, "add", "base", scale, static_cast<std::int64_t>(l),
                     shares[l], "deceptive");
  }
  return planted;
}

HypothesisResult layers(const PlantedSweep& planted) {
  const SweepEvidence evidence(planted.sweep(), planted.answers(), 1);
  return layer_share_claim(evidence, kC);
}

HypothesisResult norm(const PlantedSweep& planted) {
  const SweepEvidence evidence(planted.sweep(), planted.answers(), 1);
  return norm_claim(evidence);
}

TEST(LayerShare, BothSidesOfAQuarter) {
  const std::vector<double> one = {0, 0.8, 0.125, 0, 0, 0, 0, 0};
  const auto peaked = layers(grid(one));
  EXPECT_EQ(peaked.decision, Decision::kSupported);
  EXPECT_DOUBLE_EQ(*peaked.effect.value, 0.125);
  EXPECT_DOUBLE_EQ(*peaked.effect.high, 0.25);
  EXPECT_THAT(peaked.reason, HasSubstr("layer 1 most"));
  // One of four is the least that there can be.
  const auto few = layers(grid({0.0, 0.8, 0.0, 0.0}));
  EXPECT_EQ(few.decision, Decision::kUndecided);
  EXPECT_THAT(few.reason, HasSubstr("fewer than 8 layers"));
  const auto spread = layers(grid({0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8}));
  EXPECT_EQ(spread.decision, Decision::kContradicted);
  EXPECT_LT(*spread.effect.low, *spread.effect.high);
  EXPECT_EQ(layers(grid({0.0, 0.0, 0.0, 0.0})).decision, Decision::kUndecided);
}

// The share goes in steps of a layer, so that no draw of questions may move it:
// that is no certainty.
TEST(LayerShare, AnIntervalWithoutWidthDecidesNothing) {
  for (const auto& shares :
       {std::vector<double>{0, 0.8, 0, 0, 0, 0, 0, 0},
        std::vector<double>{0.5, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5}}) {
    const auto got = layers(grid(shares));
    EXPECT_DOUBLE_EQ(*got.effect.low, *got.effect.high);
    EXPECT_EQ(got.decision, Decision::kUndecided);
    EXPECT_THAT(got.reason, HasSubstr("the interval has no width"));
  }
}

TEST(LayerShare, FullLayersCannotBeToldApart) {
  const auto got = layers(grid({1.0, 1.0, 1.0, 0.95, 1.0, 1.0, 1.0, 1.0}));
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("no room"));
}

// The chosen cell is asked more questions at a scale that the grid has: counted
// twice, layer 0 would come out as the strongest.
TEST(LayerShare, ACellThatConfirmsIsNotCountedTwice) {
  auto planted = grid({0.5, 0.45, 0.0, 0.0});
  for (const double share : {0.0, 0.5, 0.0, 0.0}) {
    static std::int64_t layer = 0;
    planted.add_cell(kC, "add", "base", 0.25, layer++ % 4, share, "deceptive");
  }
  planted.add_cell(kC, "add", "base", 0.5, 0, 1.0, "deceptive");
  const auto got = layers(planted);
  EXPECT_THAT(got.reason, HasSubstr("layer 1 most, +48 points"));
}

TEST(LayerShare, BrokenTextIsNoEffectOfALayer) {
  auto planted = grid({0.4, 0.8, 0.4, 0.4});
  for (std::int64_t layer = 0; layer < 4; ++layer) {
    planted.add_cell(kC, "add", "base", 2.5, layer, layer == 3 ? 1.0 : 0.0,
                     "deceptive", layer == 3 ? 1.0 : 0.1);
  }
  EXPECT_THAT(layers(planted).reason, HasSubstr("layer 1 most, +80 points"));
  EXPECT_THAT(layers(planted).reason, HasSubstr("1 scale up to 0.5"));
}

TEST(LayerShare, SomeLayersAreNoMap) {
  PlantedSweep planted;
  planted.add_effect(kC, "induction", 0.5);
  planted.add_cell(kC, "add", "base", 0.5, 3, 0.5, "deceptive");
  EXPECT_FALSE(layers(planted).measured());
}

TEST(NormClaim, WithoutAnswersThereIsNothing) {
  auto planted = grid({0.9, 0.0});
  planted.add_cell(kC, "add_keep_norm", "base", 0.5, 0, 0.1, "deceptive");
  const auto none = std::span(planted.answers()).first(80);  // unsteered ones
  const SweepEvidence evidence(planted.sweep(), none, 1);
  EXPECT_FALSE(norm_claim(evidence).measured());
  EXPECT_FALSE(ease_claim(evidence, kC).measured());
  EXPECT_NE(layer_share_claim(evidence, kC).decision, Decision::kSupported);
}

// The chosen addition with its norm restored stands for what was chosen.
TEST(NormClaim, TheChosenAdditionDecides) {
  auto planted = grid({0.9, 0.0});
  planted.add_cell(kC, "add_keep_norm", "base", 0.5, 0, 0.9, "deceptive");
  for (const char* operation : {"add", "add_keep_norm"}) {
    planted.add_cell(kC, operation, "base", 4.0, 1,
                     operation == std::string("add") ? 0.9 : 0.1, "deceptive");
    planted.sweep()["cells"].back()["unit"] = "raw";
    planted.sweep()["cells"].back()["confirms"] = 1;
  }
  EXPECT_EQ(norm(planted).decision, Decision::kSupported);
  EXPECT_NEAR(*norm(planted).effect.value, -0.8, 1e-9);
  EXPECT_THAT(norm(planted).reason,
              HasSubstr("has no random vectors and no price of its own"));
}

TEST(NormClaim, BothSidesAndNoRoom) {
  auto matters = grid({0.9, 0.0});
  matters.add_cell(kC, "add_keep_norm", "base", 0.5, 0, 0.1, "deceptive");
  EXPECT_EQ(norm(matters).decision, Decision::kSupported);
  EXPECT_NEAR(*norm(matters).effect.value, -0.8, 1e-9);
  PlantedSweep many(400);
  many.add_effect(kC, "induction", 0.5);
  many.add_cell(kC, "add_keep_norm", "base", 0.5, 0, 0.5, "deceptive");
  EXPECT_EQ(norm(many).decision, Decision::kContradicted);
  auto inert = grid({0.0, 0.0});
  inert.add_cell(kC, "add_keep_norm", "base", 0.5, 0, 0.0, "deceptive");
  EXPECT_EQ(norm(inert).decision, Decision::kUndecided);
  EXPECT_THAT(norm(inert).reason, HasSubstr("no room"));
  // At another scale there is nothing to compare it with.
  auto elsewhere = grid({0.9, 0.0});
  elsewhere.add_cell(kC, "add_keep_norm", "base", 2.0, 0, 0.1, "deceptive");
  EXPECT_FALSE(norm(elsewhere).measured());
}

}  // namespace
}  // namespace veer
