// SPDX-License-Identifier: MIT
#include "veer/claims/one_direction_claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted_sweep.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

Json part(const std::string& name, double effect) {
  return planted_effect("private:" + name, "induction", effect, 0.05, "part");
}

HypothesisResult row_of(const Json& sweep,
                        const std::vector<AnswerRow>& answers,
                        const std::string& id) {
  const SweepEvidence evidence(sweep, answers, 1);
  for (auto& row : one_direction_claims(evidence)) {
    if (row.id() == id) {
      return row;
    }
  }
  return {};
}

HypothesisResult claim(const PlantedSweep& planted) {
  return row_of(planted.sweep(), planted.answers(), "H9");
}

HypothesisResult claim(const Json& groups, const std::string& id) {
  return row_of({{"judge", {{"kind", "exact"}}},
                 {"cells", Json::array()},
                 {"groups", groups}},
                {}, id);
}

PlantedSweep planted(double induction, double suppression) {
  PlantedSweep sweep(200);
  sweep.add_effect("c@p", "induction", induction, {{"select_value", 0.9}});
  sweep.add_effect("c@p", "suppression", suppression, {{"select_value", 0.9}});
  return sweep;
}

TEST(OneDirection, SufficesWhereItClosesTheGapForEveryGoal) {
  const auto all = claim(planted(0.95, 0.9));
  EXPECT_EQ(all.decision, Decision::kSupported);
  EXPECT_NEAR(*all.effect.value, 0.9, 1e-9);
  EXPECT_EQ(all.effect.n, 200);
  EXPECT_THAT(all.reason, HasSubstr("c@p, suppression: 90 % of the gap ["));
  EXPECT_EQ(claim(planted(0.95, 0.6)).decision, Decision::kContradicted);
  EXPECT_EQ(claim(planted(0.95, 0.8)).decision, Decision::kUndecided);
  EXPECT_FALSE(claim(PlantedSweep()).measured());
}

// What did most on the test questions was not chosen for that.
TEST(OneDirection, TheVectorIsTheOneThatSelectChose) {
  auto sweep = planted(0.5, 0.95);
  sweep.add_effect("twin@p", "induction", 1.0, {{"select_value", 0.8}});
  EXPECT_EQ(claim(sweep).decision, Decision::kContradicted);
  EXPECT_THAT(claim(sweep).reason, HasSubstr("c@p, induction: 50 %"));
  // Equal on select: the cheaper one.
  auto& groups = sweep.sweep()["groups"];
  groups[2]["select_value"] = 0.9;
  groups[2]["divergence"] = {{"p95", 1.0}};
  groups[0]["divergence"] = {{"p95", 2.0}};
  EXPECT_EQ(claim(sweep).decision, Decision::kSupported);
  EXPECT_THAT(claim(sweep).reason, HasSubstr("twin@p, induction: 100 %"));
}

TEST(OneDirection, AVectorThatDoesNotWorkDoesNotSuffice) {
  auto sweep = planted(1.0, 1.0);
  EXPECT_EQ(claim(sweep).decision, Decision::kSupported);
  sweep.sweep()["groups"][0]["beats_random"] = false;
  sweep.sweep()["best"][0]["beats_random"] = false;
  EXPECT_EQ(claim(sweep).decision, Decision::kUndecided);
  EXPECT_THAT(claim(sweep).reason, HasSubstr("random vectors"));
}

// Every question moved: of sixteen topics that is no certainty.
TEST(OneDirection, TheIntervalIsOverUnits) {
  auto sweep = planted(1.0, 1.0);
  Json units = Json::array();
  for (int q = 0; q < 200; ++q) {
    units.push_back(q / 25);
  }
  sweep.sweep()["units"] = {{"test", units}};
  const auto open = claim(sweep);
  EXPECT_EQ(open.decision, Decision::kUndecided);
  EXPECT_LT(*open.effect.low, 0.8);
  EXPECT_EQ(open.effect.clusters, 8);
}

TEST(OneDirection, WithoutAGapThereIsNothingToClose) {
  PlantedSweep sweep(40);
  sweep.add_effect("c@p", "induction", 0.9, {{"select_value", 0.9}});
  std::vector<AnswerRow> answers = sweep.answers();
  for (auto& row : answers) {
    row.label = row.cell == 1 ? "honest" : row.label;  // the tuned model
  }
  const auto none = row_of(sweep.sweep(), answers, "H9");
  EXPECT_EQ(none.decision, Decision::kUndecided);
  EXPECT_THAT(none.reason, HasSubstr("differ by less than 10 points"));
}

TEST(OneDirection, APrivatePartThatWorksIsASecondOne) {
  const auto two = Json::array({part("c", 0.0), part("f", 0.6)});
  EXPECT_EQ(claim(two, "H9U").decision, Decision::kContradicted);
  EXPECT_THAT(claim(two, "H9U").reason, HasSubstr("private:f"));
  auto first = planted_effect("c@p", "induction", 0.8);
  first["cell"] = 9;  // whose random vectors are no one else's
  first["layers"] = "3";
  EXPECT_EQ(claim(Json::array({first, part("c", 0.0), part("f", 0.02)}), "H9U")
                .decision,
            Decision::kSupported);
  // The parts were searched less widely than the vector.
  auto fewer = Json::array({first, part("c", 0.0), part("f", 0.02)});
  fewer[2]["candidates"] = 6;
  const auto open = claim(fewer, "H9U");
  EXPECT_EQ(open.decision, Decision::kUndecided);
  EXPECT_THAT(open.reason, HasSubstr("parts are the best of 6 configurations, "
                                     "the vectors of 24"));
  // Where no first one works a second one is no question.
  const auto none =
      claim(Json::array({planted_effect("c@p", "induction", 0.0, 0.02),
                         part("c", 0.0), part("f", 0.02)}),
            "H9U");
  EXPECT_EQ(none.decision, Decision::kVoid);
  EXPECT_THAT(none.reason, HasSubstr("no first direction works"));
  auto unproven = Json::array({first, part("c", 0.0), part("f", 0.6)});
  unproven[2]["random_vectors"]["n"] = 0;
  EXPECT_EQ(claim(unproven, "H9U").decision, Decision::kUndecided);
  auto full = Json::array({part("c", 0.0), first});
  full[0]["baseline"] = planted_estimate(0.95, 0.01);
  EXPECT_EQ(claim(full, "H9U").decision, Decision::kUndecided);
  EXPECT_THAT(claim(full, "H9U").reason, HasSubstr("no room"));
}

}  // namespace
}  // namespace veer
