// SPDX-License-Identifier: MIT
#include "veer/vectors/hypotheses.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

Measure interval(double low, double value, double high) {
  Measure m;
  m.low = low;
  m.value = value;
  m.high = high;
  m.n = 48;
  return m;
}

// Two layers with the given verdicts; cosine and p follow from them.
Comparison comparison(const std::string& first, const std::string& second,
                      double existence_p = 0.001) {
  Comparison out;
  PairComparison pair;
  pair.a = "c";
  pair.b = "f";
  for (const auto& verdict : {first, second}) {
    PairAtLayer at;
    at.verdict = verdict;
    at.layer = std::ssize(pair.by_layer);
    const bool align = verdict == "align";
    at.cosine = align ? interval(0.5, 0.6, 0.7) : interval(-0.04, 0.01, 0.06);
    at.band_low = *at.cosine.low - 0.01;
    at.band_high = *at.cosine.high + 0.01;
    at.covariance = CovarianceNull();
    at.covariance->p = align ? 0.001 : 0.6;
    at.equivalence_p = align ? 1.0 : 0.001;
    pair.by_layer.push_back(at);
  }
  out.pairs = {pair};
  for (const char* name : {"c", "f"}) {
    VectorComparison vector;
    vector.name = name;
    vector.n = 48;
    VectorAtLayer at;
    at.existence_adjusted_p = existence_p;
    at.relative_norm = 0.3;
    vector.by_layer = {at};
    out.vectors.push_back(vector);
  }
  return out;
}

HypothesisInput input(const Comparison& geometry) {
  HypothesisInput in;
  in.comparison = &geometry;
  in.contrastive = "c";
  in.finetuned = "f";
  in.behaviour_gap = interval(0.8, 0.9, 0.95);
  return in;
}

HypothesisResult row(const HypothesisInput& in, const std::string& id) {
  for (auto& result : evaluate_hypotheses(in)) {
    if (result.id == id) {
      return result;
    }
  }
  return {};
}

const SteeringOutcome kStrong{interval(0.5, 0.7, 0.8), 0.05, 0.95, {}};
const SteeringOutcome kNothing{interval(-0.05, 0.0, 0.05), 0.05, 0.95, {}};

TEST(Hypotheses, GeometryRowsFollowTheVerdicts) {
  const auto aligned = comparison("align", "align");
  EXPECT_EQ(row(input(aligned), "H1").decision, Decision::kSupported);
  EXPECT_EQ(row(input(aligned), "H8").decision, Decision::kContradicted);
  const auto apart = comparison("orthogonal", "orthogonal");
  EXPECT_EQ(row(input(apart), "H1").decision, Decision::kContradicted);
  EXPECT_EQ(row(input(apart), "H8").decision, Decision::kSupported);
  const auto unsure = comparison("undecided", "orthogonal");
  EXPECT_EQ(row(input(unsure), "H1").reason,
            "orthogonal at 1 layer, undecided at 1 layer");
}

// Plain addition of both vectors at a layer.
void add_at(HypothesisInput& in, std::int64_t layer,
            const SteeringOutcome& contrastive,
            const SteeringOutcome& finetuned) {
  in.additions = {{"contrastive", contrastive}, {"finetuned", finetuned}};
  for (auto& [name, outcome] : in.additions) {
    outcome.layer = layer;
  }
}

TEST(Hypotheses, TellAgreementWithoutEffect) {
  const auto aligned = comparison("align", "align");
  auto in = input(aligned);
  in.outcomes = {{"induction/contrastive", kNothing},
                 {"induction/finetuned", kNothing}};
  add_at(in, 1, kNothing, kNothing);
  EXPECT_EQ(row(in, "H4").decision, Decision::kSupported);
  EXPECT_EQ(row(in, "A1").decision, Decision::kContradicted);
  EXPECT_EQ(row(in, "A1").reason, "agreement without effect at layer 1");
  const auto apart = comparison("orthogonal", "orthogonal");
  in = input(apart);
  in.outcomes = {{"induction/contrastive", kStrong},
                 {"induction/finetuned", kNothing}};
  add_at(in, 0, kStrong, kNothing);
  EXPECT_EQ(row(in, "H4").decision, Decision::kContradicted);
  EXPECT_EQ(row(in, "A1").reason, "effect without agreement at layer 0");
}

TEST(Hypotheses, AgreementCountsWhereTheVectorActs) {
  // H1 asks for half of the layers and is open; the layer of the steering is
  // not.
  const auto mixed = comparison("align", "undecided");
  auto in = input(mixed);
  add_at(in, 0, kStrong, kNothing);
  EXPECT_EQ(row(in, "A1").decision, Decision::kSupported);
  EXPECT_EQ(row(in, "A1").reason, "agreement with effect at layer 0");
  EXPECT_DOUBLE_EQ(*row(in, "A1").effect.value, 0.6);
  add_at(in, 1, kStrong, kNothing);
  EXPECT_EQ(row(in, "A1").decision, Decision::kUndecided);
  EXPECT_EQ(row(in, "A1").reason, "agreement is undecided at layer 1");
  // Two places: both have to agree.
  in.additions["contrastive"].layer = 0;
  EXPECT_EQ(row(in, "A1").reason, "agreement is undecided at layers 0 and 1");
  // All layers at once have no one cosine.
  in.additions["contrastive"].layer.reset();
  EXPECT_EQ(row(in, "A1").decision, Decision::kUndecided);
}

TEST(Hypotheses, OtherOperatorsAreNoEffectOfADirection) {
  const auto aligned = comparison("align", "align");
  auto in = input(aligned);
  in.outcomes = {{"induction/contrastive", kStrong},
                 {"induction/finetuned", kStrong}};
  add_at(in, 0, kNothing, kNothing);
  EXPECT_EQ(row(in, "A1").reason, "agreement without effect at layer 0");
  const SteeringOutcome wide{interval(-0.05, 0.1, 0.3), 0.05, 0.95, {}};
  add_at(in, 0, wide, kNothing);
  EXPECT_EQ(row(in, "A1").reason, "effect of adding is undecided at layer 0");
}

TEST(Hypotheses, GatesVoidWhatDependsOnThem) {
  const auto noise = comparison("align", "align", 0.4);
  EXPECT_EQ(row(input(noise), "G1").decision, Decision::kContradicted);
  EXPECT_EQ(row(input(noise), "H1").decision, Decision::kVoid);
  const auto aligned = comparison("align", "align");
  auto in = input(aligned);
  in.behaviour_gap = interval(0.0, 0.1, 0.2);
  EXPECT_EQ(row(in, "H23").decision, Decision::kContradicted);
  EXPECT_EQ(row(in, "H5").decision, Decision::kVoid);
  EXPECT_NE(row(in, "H3").decision, Decision::kVoid);
}

TEST(Hypotheses, WhatWasNotMeasuredIsUndecided) {
  const HypothesisInput nothing;
  for (const auto& result : evaluate_hypotheses(nothing)) {
    EXPECT_EQ(result.decision, Decision::kUndecided) << result.id;
    EXPECT_FALSE(result.effect.established()) << result.id;
  }
  const auto json = hypotheses_json(evaluate_hypotheses(nothing));
  EXPECT_EQ(json.at(0).at("decision"), "undecided");
  EXPECT_TRUE(json.at(0).at("effect").at("value").is_null());
}

TEST(SteeringOutcome, WorksOnlyAboveRandomAndCoherent) {
  EXPECT_TRUE(outcome_works(kStrong));
  EXPECT_FALSE(outcome_fails(kStrong));
  EXPECT_TRUE(outcome_fails(kNothing));
  auto random_too = kStrong;
  random_too.random_effect = 0.75;
  EXPECT_FALSE(outcome_works(random_too));
  auto broken = kStrong;
  broken.coherent = 0.5;
  EXPECT_FALSE(outcome_works(broken));
}

}  // namespace
}  // namespace veer
