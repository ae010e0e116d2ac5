// SPDX-License-Identifier: MIT
#include "veer/claims/agreement_claim.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted_sweep.h"

namespace veer {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Both vectors of two positions; verdicts by layer of the pair of each.
Comparison geometry(const std::vector<std::string>& at_p,
                    const std::vector<std::string>& at_q) {
  Comparison out;
  for (const auto& [position, verdicts] :
       {std::pair{std::string("p"), at_p}, std::pair{std::string("q"), at_q}}) {
    if (verdicts.empty()) {
      continue;
    }
    PairComparison pair;
    pair.a = "contrastive@" + position;
    pair.b = "finetuned@" + position;
    for (const auto& verdict : verdicts) {
      PairAtLayer at;
      at.layer = std::ssize(pair.by_layer);
      at.verdict = verdict;
      at.cosine.value = verdict == "align" ? 0.6 : 0.0;
      pair.by_layer.push_back(at);
    }
    out.vectors.push_back({pair.a, 40, "", {}});
    out.vectors.push_back({pair.b, 40, "", {}});
    out.pairs.push_back(pair);
  }
  return out;
}

Json added(const std::string& vector, double effect, const char* layers) {
  Json entry = planted_effect(vector, "induction", effect);
  entry["layers"] = layers;
  return entry;
}

HypothesisResult claim(const Comparison& comparison, const Json& groups) {
  const Json sweep = {{"groups", groups}};
  return agreement_claim(&comparison, chosen_effects(sweep));
}

Json both(double contrastive, double finetuned, const char* layers = "0",
          const std::string& position = "p") {
  return Json::array({added("contrastive@" + position, contrastive, layers),
                      added("finetuned@" + position, finetuned, layers)});
}

TEST(AgreementClaim, OneCounterexampleContradicts) {
  const auto lame = claim(geometry({"align"}, {}), both(0.0, 0.0));
  EXPECT_EQ(lame.decision, Decision::kContradicted);
  EXPECT_EQ(lame.reason, "agreement without effect at layer 0");
  const auto odd = claim(geometry({"orthogonal"}, {}), both(0.7, 0.0));
  EXPECT_EQ(odd.decision, Decision::kContradicted);
  EXPECT_EQ(odd.reason, "effect without agreement at layer 0");
}

// One aligned pair cannot test what holds of pairs that are not.
TEST(AgreementClaim, OneHalfAloneSupportsNothing) {
  const auto got = claim(geometry({"align"}, {}), both(0.7, 0.7));
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, StartsWith("agreement with effect at layer 0"));
  EXPECT_DOUBLE_EQ(*got.effect.value, 0.6);
}

TEST(AgreementClaim, TheOtherPositionCompletesOrContradicts) {
  const auto comparison = geometry({"align"}, {"orthogonal"});
  auto groups = both(0.7, 0.7);
  for (const auto& entry : both(0.0, 0.0, "0", "q")) {
    groups.push_back(entry);
  }
  EXPECT_EQ(claim(comparison, groups).decision, Decision::kSupported);
  groups.back() = added("finetuned@q", 0.5, "0");
  const auto counter = claim(comparison, groups);
  EXPECT_EQ(counter.decision, Decision::kContradicted);
  EXPECT_THAT(counter.reason,
              HasSubstr("contrastive@q and finetuned@q: effect without "
                        "agreement at layer 0"));
}

TEST(AgreementClaim, AgreementCountsWhereTheVectorActs) {
  const auto mixed = geometry({"align", "undecided"}, {});
  EXPECT_THAT(claim(mixed, both(0.7, 0.0, "0")).reason,
              StartsWith("agreement with effect at layer 0"));
  EXPECT_THAT(claim(mixed, both(0.7, 0.0, "1")).reason,
              StartsWith("agreement is undecided at layer 1"));
  // Two places: both have to agree.
  EXPECT_THAT(claim(mixed, Json::array({added("contrastive@p", 0.7, "0"),
                                        added("finetuned@p", 0.0, "1")}))
                  .reason,
              StartsWith("agreement is undecided at layers 0 and 1"));
  // All layers at once have no one cosine.
  EXPECT_EQ(claim(mixed, both(0.7, 0.0, "all")).decision, Decision::kUndecided);
  Json unsure = added("contrastive@p", 0.1, "0");
  unsure["effect"] = planted_estimate(0.1, 0.2);
  EXPECT_EQ(claim(geometry({"align"}, {}),
                  Json::array({unsure, added("finetuned@p", 0.0, "0")}))
                .reason,
            "effect of adding is undecided at layer 0");
}

TEST(AgreementClaim, OtherOperatorsAreNoEffectOfADirection) {
  auto groups = both(0.0, 0.0);
  auto learned = added("finetuned@p", 0.9, "0");
  learned["group"] = "learned";
  groups.push_back(learned);
  EXPECT_EQ(claim(geometry({"align"}, {}), groups).reason,
            "agreement without effect at layer 0");
}

}  // namespace
}  // namespace veer
