// SPDX-License-Identifier: MIT
#include "veer/study/one_direction_claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted_sweep.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

Json reaching(const std::string& vector, const std::string& goal, double effect,
              double share) {
  Json entry = planted_effect(vector, goal, effect);
  entry["of_ceiling"] = planted_estimate(share, 0.05);
  return entry;
}

Json part(const std::string& name, double effect) {
  return planted_effect("private:" + name, "induction", effect, 0.05, "part");
}

HypothesisResult claim(const Json& groups, const std::string& id) {
  const Json sweep = {{"groups", groups}};
  for (auto& row : one_direction_claims(chosen_effects(sweep))) {
    if (row.id() == id) {
      return row;
    }
  }
  return {};
}

TEST(OneDirection, SufficesByTheBestVectorOfEveryGoal) {
  const auto groups = Json::array({reaching("c@p", "induction", 0.5, 0.4),
                                   reaching("twin@p", "induction", 0.9, 0.95),
                                   reaching("c@p", "suppression", 0.9, 0.9)});
  EXPECT_EQ(claim(groups, "H9").decision, Decision::kSupported);
  EXPECT_THAT(claim(groups, "H9").reason, HasSubstr("twin@p, induction"));
  auto short_of = groups;
  short_of[2] = reaching("c@p", "suppression", 0.5, 0.6);
  EXPECT_EQ(claim(short_of, "H9").decision, Decision::kContradicted);
  auto open = groups;
  open[2] = reaching("c@p", "suppression", 0.8, 0.8);
  EXPECT_EQ(claim(open, "H9").decision, Decision::kUndecided);
  EXPECT_FALSE(claim(Json::array(), "H9").measured());
}

// Every question alike: the share has no width, which is no certainty.
TEST(OneDirection, AShareWithoutWidthIsHeldAgainstWhatWasPossible) {
  auto entry = reaching("c@p", "induction", 0.97, 1.0);
  entry["of_ceiling"] = planted_estimate(1.0, 0.0);
  entry["effect"] = {{"value", 1.0}, {"low", 0.75}, {"high", 1.0}, {"n", 8}};
  EXPECT_EQ(claim(Json::array({entry}), "H9").decision, Decision::kUndecided);
  entry["effect"]["low"] = 0.9;
  EXPECT_EQ(claim(Json::array({entry}), "H9").decision, Decision::kSupported);
}

TEST(OneDirection, APrivatePartThatWorksIsASecondOne) {
  const auto two = Json::array({part("c", 0.0), part("f", 0.6)});
  EXPECT_EQ(claim(two, "H9U").decision, Decision::kContradicted);
  EXPECT_THAT(claim(two, "H9U").reason, HasSubstr("private:f"));
  EXPECT_EQ(
      claim(Json::array({part("c", 0.0), part("f", 0.02)}), "H9U").decision,
      Decision::kSupported);
  auto unproven = two;
  unproven[1]["random_vectors"]["n"] = 0;
  EXPECT_EQ(claim(unproven, "H9U").decision, Decision::kUndecided);
  auto full = Json::array({part("c", 0.0)});
  full[0]["baseline"] = planted_estimate(0.95, 0.01);
  EXPECT_EQ(claim(full, "H9U").decision, Decision::kUndecided);
  EXPECT_THAT(claim(full, "H9U").reason, HasSubstr("no room"));
}

}  // namespace
}  // namespace veer
