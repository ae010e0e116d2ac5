// SPDX-License-Identifier: MIT
#include "veer/claims/ease_claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted_sweep.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

constexpr const char* kF = "finetuned@p";

HypothesisResult claim(const PlantedSweep& planted) {
  const SweepEvidence evidence(planted.sweep(), planted.answers(), 1);
  return ease_claim(evidence, kF);
}

HypothesisResult claim(double down, double up,
                       const Json& changes = Json::object(),
                       std::int64_t questions = 40) {
  PlantedSweep planted(questions);
  planted.add_effect(kF, "induction", up);
  planted.add_effect(kF, "suppression", down, changes);
  return claim(planted);
}

TEST(EaseClaim, BothSidesOfTheRule) {
  const auto easier = claim(0.9, 0.3);
  EXPECT_EQ(easier.decision, Decision::kSupported);
  EXPECT_NEAR(*easier.effect.value, 0.6, 1e-9);
  EXPECT_LT(*easier.p, 0.05);
  EXPECT_EQ(claim(0.3, 0.9).decision, Decision::kContradicted);
  EXPECT_EQ(claim(0.5, 0.5).decision, Decision::kUndecided);
}

// 155 of 160 against 160 of 160: a percentile bootstrap over five questions
// excludes 0, the exact test does not, and there was no room either.
TEST(EaseClaim, FiveQuestionsAtTheCeilingDecideNothing) {
  const auto got = claim(155.0 / 160.0, 1.0, Json::object(), 160);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_GE(*got.p, 0.0625);
  EXPECT_THAT(got.reason, HasSubstr("no room"));
  EXPECT_NEAR(*got.room, 5.0 / 160.0, 1e-9);
}

// 40 questions of 4 topics: where each topic answers as one, no p of 4 signs is
// below .125, however many questions there are.
TEST(EaseClaim, TopicsAreTheUnitOfItsTest) {
  PlantedSweep planted(40);
  planted.add_effect(kF, "induction", 0.3);
  planted.add_effect(kF, "suppression", 0.9);
  Json sweep = planted.sweep();
  Json units = Json::array();
  for (int q = 0; q < 50; ++q) {  // ten more than were asked
    units.push_back(q / 10);
  }
  sweep["units"] = {{"test", units}, {"select", Json::array()}};
  const SweepEvidence evidence(sweep, planted.answers(), 1);
  const auto got = ease_claim(evidence, kF);
  EXPECT_GE(*got.p, 0.1);
  EXPECT_EQ(got.decision, Decision::kUndecided);
}

TEST(EaseClaim, APlaceWhereRandomVectorsActVoids) {
  EXPECT_EQ(claim(0.9, 0.3, {{"valid_site", false}}).decision, Decision::kVoid);
}

TEST(EaseClaim, TheWinnerHasToWork) {
  EXPECT_EQ(claim(0.9, 0.3, {{"beats_random", false}}).decision,
            Decision::kUndecided);
}

// A third of the added side's text is broken: those answers deceive nobody, and
// the side would lose by them.
TEST(EaseClaim, ASideWithBrokenTextDecidesNothing) {
  PlantedSweep planted(40);
  planted.add_effect(kF, "induction", 0.3);
  planted.sweep()["cells"].back()["coherent"]["value"] = 0.66;
  planted.add_effect(kF, "suppression", 0.9);
  const auto got = claim(planted);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("much of a side's text is broken"));
}

TEST(EaseClaim, SaysHowManyVectorsDecide) {
  EXPECT_THAT(claim(0.9, 0.3).reason, HasSubstr("decided by 1 of 1 vectors"));
}

TEST(EaseClaim, EveryVectorHasAVoice) {
  PlantedSweep planted;
  planted.add_effect(kF, "induction", 0.2);
  planted.add_effect(kF, "suppression", 0.9);
  planted.add_effect("contrastive@p", "induction", 0.9);
  planted.add_effect("contrastive@p", "suppression", 0.2);
  const auto got = claim(planted);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("vectors differ"));
}

}  // namespace
}  // namespace veer
