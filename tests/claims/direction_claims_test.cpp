// SPDX-License-Identifier: MIT
#include "veer/claims/direction_claims.h"

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
  pair.num_clusters = 7;
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
    vector.clusters = 7;
    VectorAtLayer at;
    at.existence_adjusted_p = existence_p;
    at.relative_norm = 0.3;
    vector.by_layer = {at};
    out.vectors.push_back(vector);
  }
  return out;
}

HypothesisResult row(const Comparison& geometry, const std::string& id) {
  for (auto& result : direction_claims(&geometry, "c", "f")) {
    if (result.id() == id) {
      return result;
    }
  }
  return {};
}

TEST(DirectionClaims, GeometryRowsFollowTheVerdicts) {
  const auto aligned = comparison("align", "align");
  EXPECT_EQ(row(aligned, "H1").decision, Decision::kSupported);
  EXPECT_EQ(row(aligned, "H1").effect.clusters, 7);
  EXPECT_EQ(row(aligned, "H8").decision, Decision::kContradicted);
  EXPECT_NEAR(*row(aligned, "H8").p, 0.002, 1e-12);
  const auto apart = comparison("orthogonal", "orthogonal");
  EXPECT_EQ(row(apart, "H1").decision, Decision::kContradicted);
  EXPECT_EQ(row(apart, "H8").decision, Decision::kSupported);
  const auto unsure = comparison("undecided", "orthogonal");
  EXPECT_EQ(row(unsure, "H1").reason,
            "orthogonal at 1 layer, undecided at 1 layer");
}

TEST(DirectionClaims, ADirectionThatSignFlipsReachDoesNotExist) {
  EXPECT_EQ(row(comparison("align", "align"), "G1").effect.clusters, 7);
  EXPECT_EQ(row(comparison("align", "align"), "G1").decision,
            Decision::kSupported);
  EXPECT_EQ(row(comparison("align", "align", 0.4), "G1").decision,
            Decision::kContradicted);
}

TEST(DirectionClaims, WhatWasNotComparedIsNotMeasured) {
  for (const auto& result : direction_claims(nullptr, "c", "f")) {
    EXPECT_EQ(result.decision, Decision::kUndecided) << result.id();
    EXPECT_FALSE(result.measured()) << result.id();
  }
}

TEST(Hypotheses, TheTableIsWhole) {
  std::vector<std::string> ids;
  for (const auto& d : claim_definitions()) {
    ids.emplace_back(d.id);
    EXPECT_FALSE(d.rule.empty()) << d.id;
    EXPECT_FALSE(d.unit.empty()) << d.id;
    EXPECT_FALSE(d.counts.empty()) << d.id;
    EXPECT_TRUE(d.role == "finding" || d.role == "gate" ||
                d.role.starts_with("mirror of H"))
        << d.id;
  }
  std::ranges::sort(ids);
  EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
  // What cannot fail is no claim.
  EXPECT_THROW(claim_definition("H20"), std::exception);
  EXPECT_EQ(claim_definition("H4").role, "mirror of H3 and H6");
}

TEST(Hypotheses, PIsThatOfTheInterval) {
  EXPECT_NEAR(*p_beyond(interval(0.0, 0.2, 0.4), 0.0), 0.05, 1e-9);
  EXPECT_NEAR(*p_beyond(interval(-0.1, 0.0, 0.1), 0.1), 0.05, 1e-9);
  EXPECT_FALSE(p_beyond(interval(0.2, 0.2, 0.2), 0.0).has_value());
  EXPECT_FALSE(p_beyond(Measure::none("x"), 0.0).has_value());
}

TEST(Hypotheses, WithoutRoomNothingIsDecided) {
  auto result = claim_row("H12");
  result.decision = Decision::kContradicted;
  result.reason = "because";
  result.room = 0.031;
  leave_undecided_without_room(result);
  EXPECT_EQ(result.decision, Decision::kUndecided);
  EXPECT_EQ(result.reason,
            "no room: 3 points were left, the margin is 10; because");
}

}  // namespace
}  // namespace veer
