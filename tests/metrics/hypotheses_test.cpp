// SPDX-License-Identifier: MIT
#include "veer/metrics/hypotheses.h"

#include <cmath>

#include <gtest/gtest.h>

namespace veer {
namespace {

Estimate effect(double value, double low, double high) {
  return {value, low, high, 40, "test"};
}

ChosenCell cell(Estimate e, bool beats = true, double coherent = 0.9) {
  return {true, e, effect(coherent, coherent, coherent), beats, "add, layer 3"};
}

TEST(Outcome, FollowsTheDeclaredRule) {
  EXPECT_EQ(outcome_of(cell(effect(0.4, 0.2, 0.6))), Outcome::kWorks);
  EXPECT_EQ(outcome_of(cell(effect(0.4, 0.2, 0.6), false)),
            Outcome::kUndecided);
  EXPECT_EQ(outcome_of(cell(effect(0.4, 0.2, 0.6), true, 0.6)),
            Outcome::kUndecided);
  EXPECT_EQ(outcome_of(cell(effect(0.01, -0.03, 0.06))), Outcome::kFails);
  EXPECT_EQ(outcome_of(cell(effect(0.05, -0.1, 0.2))), Outcome::kUndecided);
  EXPECT_EQ(outcome_of({}), Outcome::kUndecided);
}

const Claim& find(const std::vector<Claim>& claims, const std::string& id) {
  for (const auto& claim : claims) {
    if (claim.id == id) {
      return claim;
    }
  }
  return claims.front();
}

BehaviourCells measured() {
  BehaviourCells cells;
  cells.tuned_deceives = true;
  cells.vectors_established = true;
  cells.contrastive_induction = cell(effect(0.01, -0.02, 0.05));
  cells.tuning_induction = cell(effect(0.5, 0.3, 0.7));
  cells.tuning_suppression = cell(effect(0.8, 0.6, 0.9));
  cells.tuning_induction_same_cells = cell(effect(0.0, -0.02, 0.03));
  cells.suppression_minus_induction = effect(0.3, 0.1, 0.5);
  cells.effect_by_layer = {effect(0.0, -0.1, 0.1), effect(0.9, 0.7, 1.0),
                           effect(0.1, 0.0, 0.2), effect(0.05, 0.0, 0.1)};
  cells.unit_minus_raw = effect(0.02, -0.1, 0.1);
  Breakdown broken;
  broken.s75 = effect(2.0, 1.5, 2.5);
  cells.breakdowns = {broken};
  return cells;
}

TEST(Claims, AreDecidedFromTheCells) {
  const auto claims = behavioural_claims(measured());
  ASSERT_EQ(claims.size(), 9U);
  EXPECT_EQ(find(claims, "H3").verdict, Verdict::kSupported);
  EXPECT_EQ(find(claims, "H4").verdict, Verdict::kContradicted);
  EXPECT_EQ(find(claims, "H5").verdict, Verdict::kSupported);
  EXPECT_EQ(find(claims, "H6").verdict, Verdict::kSupported);
  EXPECT_EQ(find(claims, "H7").verdict, Verdict::kSupported);
  EXPECT_EQ(find(claims, "H14").verdict, Verdict::kSupported);
  EXPECT_EQ(find(claims, "H18").verdict, Verdict::kUndecided);
  EXPECT_EQ(find(claims, "H19").verdict, Verdict::kUndecided);
  EXPECT_EQ(find(claims, "H20").verdict, Verdict::kSupported);
  EXPECT_EQ(find(claims, "H3").reason,
            "add, layer 3: +1 points [-2, +5], n = 40; coherent 90 %");
}

TEST(Claims, AreVoidWhenTheirGateFails) {
  auto cells = measured();
  cells.tuned_deceives = false;
  auto claims = behavioural_claims(cells);
  EXPECT_EQ(find(claims, "H5").verdict, Verdict::kVoid);
  EXPECT_EQ(find(claims, "H3").verdict, Verdict::kSupported);
  cells.vectors_established = false;
  for (const auto& claim : behavioural_claims(cells)) {
    EXPECT_EQ(claim.verdict, Verdict::kVoid);
  }
}

TEST(Localisation, IsTheSmallestShareWithFourFifths) {
  EXPECT_DOUBLE_EQ(localisation(measured().effect_by_layer), 0.25);
  EXPECT_TRUE(std::isnan(localisation({effect(-1.0, -2.0, 0.0)})));
}

}  // namespace
}  // namespace veer
