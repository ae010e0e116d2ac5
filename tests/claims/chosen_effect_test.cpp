// SPDX-License-Identifier: MIT
#include "veer/claims/chosen_effect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted_sweep.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

ChosenEffect effect_of(const Json& entry, double min_coherent = 0.75) {
  const Json sweep = {{"groups", Json::array({entry})},
                      {"min_coherent", min_coherent}};
  return chosen_effects(sweep).front();
}

Standing standing_of(const Json& entry) {
  return judge_effect(effect_of(entry), 0.1).standing;
}

TEST(ChosenEffect, WorksByFourConditionsAtOnce) {
  const Json strong = planted_effect("c@p", "induction", 0.7);
  EXPECT_EQ(standing_of(strong), Standing::kWorks);
  Json random = strong;
  random["beats_random"] = false;
  EXPECT_EQ(standing_of(random), Standing::kOpen);
  Json alone = strong;
  alone["random_vectors"]["n"] = 0;
  EXPECT_EQ(standing_of(alone), Standing::kOpen);
  EXPECT_THAT(judge_effect(effect_of(alone), 0.1).why,
              HasSubstr("no random vector"));
  Json broken = strong;
  broken["coherent"]["value"] = 0.5;
  EXPECT_EQ(standing_of(broken), Standing::kOpen);
  Json place = strong;
  place["valid_site"] = false;
  EXPECT_EQ(standing_of(place), Standing::kInvalidPlace);
  Json open = strong;
  open["effect"] = planted_estimate(0.1, 0.2);
  EXPECT_EQ(standing_of(open), Standing::kOpen);
}

// sweep.min_coherent decides everywhere, not a constant of the claims.
TEST(ChosenEffect, TheSweepSaysHowMuchTextHasToBeUnbroken) {
  Json half = planted_effect("c@p", "induction", 0.7);
  half["coherent"]["value"] = 0.5;
  EXPECT_EQ(judge_effect(effect_of(half, 0.4), 0.1).standing, Standing::kWorks);
  EXPECT_EQ(judge_effect(effect_of(half, 0.6), 0.1).why,
            "50 % of the text is unbroken, and 60 % are needed");
}

TEST(ChosenEffect, FailsOnlyWhereTheMarginWasPossible) {
  Json nothing = planted_effect("c@p", "induction", 0.0);
  EXPECT_EQ(standing_of(nothing), Standing::kFails);
  nothing["baseline"] = planted_estimate(0.95, 0.02);
  EXPECT_EQ(standing_of(nothing), Standing::kNoRoom);
  nothing["room"] = 0.5;  // what the document says goes first
  EXPECT_EQ(standing_of(nothing), Standing::kFails);
}

TEST(ChosenEffect, MatchedControlsCountToo) {
  Json entry = planted_effect("c@p", "induction", 0.7);
  entry.erase("random_vectors");
  entry["matched_control"] = {{"kind", "isotropic"}, {"percentile_95", 0.3}};
  const auto effect = effect_of(entry);
  EXPECT_EQ(effect.beats_random, true);
  EXPECT_DOUBLE_EQ(*effect.random_bar, 0.3);
}

// What the sweep knows of its random vectors, that they match for one, counts.
TEST(ChosenEffect, WhatTheSweepHoldsAgainstAnEffectCounts) {
  Json entry = planted_effect("c@p", "induction", 0.7);
  entry["works"] = false;
  entry["reason"] = "random vectors are not matched in displacement";
  EXPECT_EQ(standing_of(entry), Standing::kOpen);
  EXPECT_THAT(judge_effect(effect_of(entry), 0.1).why, HasSubstr("matched"));
  entry["works"] = true;
  EXPECT_EQ(standing_of(entry), Standing::kWorks);
}

TEST(ChosenEffect, ControlsAreThoseOfTheSameCellOrPlace) {
  const Json with = planted_effect("c@p", "induction", 0.9);
  Json part = planted_effect("private:c", "induction", 0.3, 0.05, "part");
  part["random_vectors"]["n"] = 0;
  part["beats_random"] = false;
  part["cell"] = 7;
  const auto read = [&](const Json& other) {
    const Json sweep = {{"groups", Json::array({with, other})}};
    return chosen_effects(sweep).back();
  };
  EXPECT_EQ(read(part).beats_random, true);
  EXPECT_EQ(read(part).controls_of, "c@p");
  Json elsewhere = part;
  elsewhere["layers"] = "1";
  EXPECT_FALSE(read(elsewhere).beats_random.has_value());
  Json larger = part;
  larger["scale"] = 1.0;
  EXPECT_FALSE(read(larger).beats_random.has_value());
  Json weak = part;
  weak["effect"] = planted_estimate(0.05, 0.04);
  EXPECT_EQ(read(weak).beats_random, false);
}

TEST(ChosenEffect, ScoresAndCellsWithoutOneAreNoEffects) {
  Json score = planted_effect("c@p", "induction", 0.9);
  score["measure"] = "score";
  Json none = planted_effect("c@p", "induction", 0.9);
  none["cell"] = nullptr;
  const Json sweep = {{"groups", Json::array({score, none})}};
  EXPECT_TRUE(chosen_effects(sweep).empty());
  EXPECT_TRUE(chosen_effects(Json::object()).empty());
}

// Sixteen topics of which none moved leave more open than ten points.
TEST(ChosenEffect, SaysWhereTooFewUnitsCanNeverDecide) {
  const auto why = [](std::int64_t n, std::int64_t clusters) {
    ChosenEffect effect;
    effect.effect.value = 0.0;
    effect.effect.low = -0.3;
    effect.effect.high = 0.3;
    effect.effect.n = n;
    effect.effect.clusters = clusters;
    return judge_effect(effect, 0.1).limit;
  };
  EXPECT_THAT(why(152, 8), testing::HasSubstr(
                               "not decidable here: with 8 topics or clusters "
                               "of questions the narrowest interval is"));
  EXPECT_THAT(why(20, 0), testing::HasSubstr("with 20 questions the narrowest "
                                             "interval is 16 points"));
  EXPECT_EQ(why(200, 0), "");
}

}  // namespace
}  // namespace veer
