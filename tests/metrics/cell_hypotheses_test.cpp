// SPDX-License-Identifier: MIT
#include "veer/metrics/cell_hypotheses.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace veer {
namespace {

Estimate effect(double value, double low, double high) {
  return {value, low, high, 40, "test"};
}

CellHypothesisInput measured() {
  CellHypothesisInput input;
  input.effect_by_layer = {effect(0.0, -0.1, 0.1), effect(0.9, 0.7, 1.0),
                           effect(0.1, 0.0, 0.2), effect(0.05, 0.0, 0.1)};
  input.keep_norm_minus_add = effect(0.02, -0.1, 0.1);
  input.all_layers_minus_one = effect(-0.4, -0.6, -0.2);
  Breakdown broken;
  broken.s75 = effect(2.0, 1.5, 2.5);
  input.breakdowns = {broken};
  return input;
}

TEST(CellHypotheses, AreDecidedFromTheGrid) {
  const auto rows = evaluate_cell_hypotheses(measured());
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].id, "H14");
  EXPECT_EQ(rows[0].decision, Decision::kSupported);
  EXPECT_EQ(rows[0].reason,
            "25 % of the layers carry 80 % of the effect; layer 1 most, +90 "
            "points [+70, +100]");
  EXPECT_EQ(rows[1].decision, Decision::kUndecided);
  EXPECT_EQ(rows[2].decision, Decision::kSupported);
  EXPECT_EQ(rows[3].decision, Decision::kSupported);
  EXPECT_EQ(rows[3].effect.value, 2.0);
}

TEST(CellHypotheses, SpreadEffectsAndWholeLaddersContradict) {
  auto input = measured();
  input.effect_by_layer.assign(4, effect(0.5, 0.3, 0.7));
  input.breakdowns[0].s75 = {};
  input.breakdowns[0].censored = true;
  const auto rows = evaluate_cell_hypotheses(input);
  EXPECT_EQ(rows[0].decision, Decision::kContradicted);
  EXPECT_EQ(rows[3].decision, Decision::kContradicted);
}

TEST(CellHypotheses, NothingMeasuredIsUndecided) {
  for (const auto& row : evaluate_cell_hypotheses({})) {
    EXPECT_EQ(row.decision, Decision::kUndecided) << row.id;
    EXPECT_EQ(row.reason, "not measured") << row.id;
    EXPECT_FALSE(row.effect.established()) << row.id;
  }
}

TEST(MeasureOf, HasNoNumberThatIsNotFinite) {
  EXPECT_FALSE(measure_of({}).value.has_value());
  const auto open =
      measure_of(effect(1.0, 0.5, std::numeric_limits<double>::infinity()));
  EXPECT_EQ(open.low, 0.5);
  EXPECT_FALSE(open.high.has_value());
}

TEST(Localisation, IsTheSmallestShareWithFourFifths) {
  EXPECT_DOUBLE_EQ(localisation(measured().effect_by_layer), 0.25);
  const std::vector<Estimate> none = {effect(-1.0, -2.0, 0.0)};
  EXPECT_TRUE(std::isnan(localisation(none)));
}

}  // namespace
}  // namespace veer
