// SPDX-License-Identifier: MIT
#include "veer/claims/effect_claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted_sweep.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

constexpr const char* kC = "contrastive@p";
constexpr const char* kF = "finetuned@p";

HypothesisResult claim(const Json& groups, const std::string& id) {
  const Json sweep = {{"groups", groups}};
  for (auto& row : effect_claims(chosen_effects(sweep), kC, kF)) {
    if (row.id() == id) {
      return row;
    }
  }
  return {};
}

Json groups(double contrastive, double finetuned, double suppression) {
  return Json::array({planted_effect(kC, "induction", contrastive),
                      planted_effect(kF, "induction", finetuned),
                      planted_effect(kF, "suppression", suppression)});
}

TEST(EffectClaims, BothSidesOfTheRule) {
  const auto inert = groups(0.0, 0.0, 0.0);
  EXPECT_EQ(claim(inert, "H3").decision, Decision::kSupported);
  EXPECT_EQ(claim(inert, "H4").decision, Decision::kSupported);
  EXPECT_EQ(claim(inert, "H5").decision, Decision::kContradicted);
  EXPECT_EQ(claim(inert, "H6").decision, Decision::kSupported);
  const auto strong = groups(0.7, 0.0, 0.7);
  EXPECT_EQ(claim(strong, "H3").decision, Decision::kContradicted);
  EXPECT_EQ(claim(strong, "H4").decision, Decision::kContradicted);
  EXPECT_EQ(claim(strong, "H5").decision, Decision::kSupported);
  EXPECT_EQ(claim(strong, "H6").decision, Decision::kSupported);
  auto open = inert;
  open[0]["effect"] = planted_estimate(0.08, 0.1);
  EXPECT_EQ(claim(open, "H3").decision, Decision::kUndecided);
}

// The negative control: nothing by adding, much by an edit that was fitted on
// the classes' rows.
TEST(EffectClaims, WhatALearnedEditDoesIsNoEffectOfADirection) {
  auto control = groups(0.0, 0.0, 0.03);
  for (const char* goal : {"induction", "suppression"}) {
    auto learned = planted_effect(kF, goal, 0.27, 0.05, "learned");
    learned["operator"] = "low_rank";
    control.push_back(learned);
    learned["group"] = "any";
    control.push_back(learned);
  }
  EXPECT_EQ(claim(control, "H4").decision, Decision::kSupported);
  EXPECT_EQ(claim(control, "H5").decision, Decision::kContradicted);
  EXPECT_EQ(claim(control, "H6").decision, Decision::kSupported);
  // What such a fit does on shuffled rows nobody ran.
  for (const char* id : {"H5L", "H6L"}) {
    EXPECT_EQ(claim(control, id).decision, Decision::kUndecided);
    EXPECT_THAT(claim(control, id).reason,
                HasSubstr("a fitted map has no matched control"));
  }
  EXPECT_EQ(claim(control, "H5").definition.operators, "plain addition");
  EXPECT_EQ(claim(control, "H5L").definition.operators, "learned edits");
  EXPECT_FALSE(claim(control, "H3L").measured());
  control.push_back(planted_effect(kC, "induction", 0.0, 0.05, "learned"));
  EXPECT_EQ(claim(control, "H3L").decision, Decision::kContradicted);
}

TEST(EffectClaims, WithoutRoomNothingFails) {
  auto full = groups(0.0, 0.0, 0.0);
  for (auto& entry : full) {
    entry["baseline"] = planted_estimate(0.95, 0.02);
  }
  EXPECT_EQ(claim(full, "H3").decision, Decision::kUndecided);
  EXPECT_EQ(claim(full, "H5").decision, Decision::kUndecided);
  EXPECT_THAT(claim(full, "H5").reason, HasSubstr("no room"));
  EXPECT_NEAR(*claim(full, "H5").room, 0.05, 1e-9);
}

TEST(EffectClaims, APlaceWhereRandomVectorsActVoids) {
  auto invalid = groups(0.7, 0.7, 0.9);
  invalid[2]["valid_site"] = false;
  EXPECT_EQ(claim(invalid, "H5").decision, Decision::kVoid);
  EXPECT_THAT(claim(invalid, "H5").reason, HasSubstr("random vectors act"));
}

}  // namespace
}  // namespace veer
