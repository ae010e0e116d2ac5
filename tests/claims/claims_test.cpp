// SPDX-License-Identifier: MIT
#include "veer/claims/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "planted_sweep.h"
#include "veer/vectors/compare.h"

namespace veer {
namespace {

constexpr const char* kC = "contrastive@p";
constexpr const char* kF = "finetuned@p";

Json layer(const std::string& verdict) {
  PairAtLayer at;
  at.verdict = verdict;
  const double cosine = verdict == "align" ? 0.6 : 0.0;
  at.cosine.value = cosine;
  at.cosine.low = at.band_low = cosine - 0.05;
  at.cosine.high = at.band_high = cosine + 0.05;
  at.cosine.n = 40;
  at.covariance = CovarianceNull();
  at.covariance->p = verdict == "align" ? 0.001 : 0.7;
  at.equivalence_p = verdict == "align" ? 1.0 : 0.001;
  Comparison out;
  out.num_layers = 1;
  for (const char* name : {kC, kF}) {
    VectorAtLayer vector;
    vector.existence_adjusted_p = 0.001;
    vector.relative_norm = 0.4;
    out.vectors.push_back({name, 40, "", {vector}});
  }
  out.pairs = {{kC, kF, 40, 40, {at}}};
  return {{"full", comparison_json(out)}};
}

constexpr std::int64_t kQuestions = 40;

// A sweep of one layer whose plain additions do all or nothing; the tuned model
// deceives and subtracting either vector makes it honest.
PlantedSweep sweep_with(double contrastive, double finetuned) {
  PlantedSweep sweep(kQuestions);
  for (const auto& [name, share] :
       {std::pair{kC, contrastive}, std::pair{kF, finetuned}}) {
    sweep.add_effect(name, "induction", share);
    sweep.add_effect(name, "suppression", 1.0);
  }
  return sweep;
}

HypothesisResult claim(const Json& comparison, const PlantedSweep& sweep,
                       const std::string& id) {
  for (auto& result :
       evaluate_claims(comparison, sweep.sweep(), sweep.answers(), 1)) {
    if (result.id() == id) {
      return result;
    }
  }
  return {};
}

TEST(Claims, ComeTogetherFromComparisonAndSweep) {
  const auto inert = sweep_with(0.0, 0.0);
  EXPECT_EQ(claim(layer("align"), inert, "H4").decision, Decision::kSupported);
  EXPECT_EQ(claim(layer("align"), inert, "A1").reason,
            "agreement without effect at layer 0");
  const auto strong = sweep_with(0.9, 0.0);
  EXPECT_EQ(claim(layer("orthogonal"), strong, "A1").reason,
            "effect without agreement at layer 0");
  EXPECT_EQ(claim(layer("align"), strong, "H3").decision,
            Decision::kContradicted);
}

TEST(Claims, AnUnusedGateVoidsWhatRestsOnIt) {
  const auto sweep = sweep_with(0.9, 0.0);
  const auto gap = claim(layer("align"), sweep, "H23");
  EXPECT_EQ(gap.decision, Decision::kSupported);
  EXPECT_DOUBLE_EQ(*gap.effect.value, 1.0);
  EXPECT_EQ(gap.effect.n, kQuestions);
  EXPECT_LT(*gap.effect.low, 1.0);  // all moved, of a few questions
  PlantedSweep honest = sweep_with(0.9, 0.0);
  std::vector<AnswerRow> answers = honest.answers();
  for (auto& row : answers) {
    row.label = row.cell < 2 ? "honest" : row.label;
  }
  for (const auto& result :
       evaluate_claims(layer("align"), honest.sweep(), answers, 1)) {
    if (result.id() == "H5" || result.id() == "H1") {
      EXPECT_EQ(result.decision, Decision::kVoid) << result.id();
      EXPECT_EQ(result.reason, "the tuned model does not deceive");
    }
    if (result.id() == "H3") {
      EXPECT_NE(result.decision, Decision::kVoid);
    }
  }
}

TEST(Claims, CountFindingsAloneAndOnce) {
  const auto sweep = sweep_with(0.9, 0.9);
  const auto rows =
      evaluate_claims(layer("align"), sweep.sweep(), sweep.answers(), 1);
  const Json document = claims_json(rows, nullptr);
  int findings = 0;
  for (const auto& row : document.at("claims")) {
    findings += row.at("role") == "finding" ? 1 : 0;
  }
  int counted = 0;
  for (const auto& [decision, count] : document.at("counts").items()) {
    counted += count.get<int>();
  }
  EXPECT_EQ(counted, findings);
  EXPECT_LT(findings, static_cast<int>(document.at("claims").size()));
  EXPECT_EQ(document.at("gates").at("supported"), 3);
  EXPECT_EQ(document.at("gates").at("not measured"), 0);
}

// Holm over the findings: gates and mirrors take no part in it.
TEST(Claims, AreCorrectedTogether) {
  auto rows = std::vector{claim_row("G1"), claim_row("H3"), claim_row("H4"),
                          claim_row("H5"), claim_row("H6")};
  for (auto& row : rows) {
    row.decision = Decision::kSupported;
    row.effect = Measure();
    row.effect.value = 0.5;
    row.p = row.id() == "H6" ? 0.001 : 0.03;
  }
  const Json document = claims_json(rows, nullptr);
  EXPECT_TRUE(document["claims"][0]["holm_p"].is_null());
  EXPECT_DOUBLE_EQ(document["claims"][4]["holm_p"].get<double>(), 0.003);
  EXPECT_DOUBLE_EQ(document["claims"][1]["holm_p"].get<double>(), 0.06);
  EXPECT_TRUE(document["claims"][2]["holm_p"].is_null());
  EXPECT_EQ(document["counts"]["supported"], 3);
  EXPECT_EQ(document["corrected"]["supported"], 1);
}

TEST(Claims, SayWhatIsMissing) {
  const PlantedSweep empty(kQuestions);
  const Json none = Json::object();
  const auto claims = evaluate_claims(layer("align"), none, {}, 1);
  for (const auto& result : claims) {
    EXPECT_FALSE(result.reason.empty()) << result.id();
    EXPECT_FALSE(result.definition.sharpen.empty()) << result.id();
    if (result.id() == "H3") {
      EXPECT_THAT(result.reason, testing::HasSubstr("sweep has not run"));
    }
  }
  Json scores = empty.sweep();
  scores["judge"]["kind"] = "logprob";
  const auto graded = evaluate_claims(none, scores, empty.answers(), 1);
  for (const auto& result : graded) {
    EXPECT_EQ(result.decision, Decision::kUndecided) << result.id();
  }
  const Json counts = claims_json(graded, nullptr).at("counts");
  EXPECT_GT(counts.at("not measured").get<int>(), 20);
  EXPECT_EQ(counts.at("supported"), 0);
}

TEST(Claims, LabelsOfAJudgeThatReadsCountIfItIsFit) {
  const auto sweep = sweep_with(0.9, 0.0);
  const auto decision = [&](const Json& judge, const std::string& id) {
    Json document = sweep.sweep();
    document["judge"] = judge;
    for (const auto& result :
         evaluate_claims(layer("align"), document, sweep.answers(), 1)) {
      if (result.id() == id) {
        return result;
      }
    }
    return HypothesisResult{};
  };
  for (const char* kind : {"self", "choice", "endpoint"}) {
    EXPECT_EQ(decision({{"kind", kind}, {"fit", true}}, "H3").decision,
              Decision::kContradicted);
    const auto unfit = decision({{"kind", kind}, {"fit", false}}, "H3");
    EXPECT_EQ(unfit.decision, Decision::kUndecided);
    EXPECT_THAT(unfit.reason,
                testing::HasSubstr(std::string(kind) + " is not fit"));
  }
}

}  // namespace
}  // namespace veer
