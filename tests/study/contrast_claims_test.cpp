// SPDX-License-Identifier: MIT
#include "veer/study/contrast_claims.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

Json estimate(double value, double low, double high) {
  return {{"value", value}, {"low", low}, {"high", high}, {"n", 40}};
}

Json contrast(const char* claim, const Json& difference, double a, double b) {
  return {{"claim", claim},           {"vector", "contrastive@p"},
          {"what", "one minus two"},  {"goal", "induction"},
          {"difference", difference}, {"simultaneous", difference},
          {"divergence_a", a},        {"divergence_b", b}};
}

Json sweep_with(const Json& contrasts) {
  return {{"best",
           {{{"vector", "contrastive@p"},
             {"goal", "induction"},
             {"of_ceiling", estimate(0.5, 0.4, 0.6)}},
            {{"vector", "finetuned@p"},
             {"goal", "suppression"},
             {"of_ceiling", estimate(0.95, 0.9, 1.0)}}}},
          {"contrasts", contrasts}};
}

HypothesisResult claim(const Json& sweep, const std::string& id) {
  for (auto& result : contrast_claims(sweep)) {
    if (result.id == id) {
      return result;
    }
  }
  ADD_FAILURE() << id;
  return {};
}

TEST(ContrastClaims, AGainAtTheSamePriceSupports) {
  const auto sweep = sweep_with(
      Json::array({contrast("H15", estimate(0.3, 0.1, 0.5), 1.0, 1.0)}));
  EXPECT_EQ(claim(sweep, "H15").decision, Decision::kSupported);
  EXPECT_EQ(claim(sweep, "H17").decision, Decision::kUndecided);
  EXPECT_EQ(claim(sweep, "H17").effect.reason, "not measured");
}

TEST(ContrastClaims, AGainThatCostsMoreDecidesNothing) {
  const auto result = claim(sweep_with(Json::array({contrast(
                                "H15", estimate(0.3, 0.1, 0.5), 2.0, 1.0)})),
                            "H15");
  EXPECT_EQ(result.decision, Decision::kUndecided);
  EXPECT_NE(result.reason.find("costs more"), std::string::npos);
}

TEST(ContrastClaims, SmallDifferencesContradict) {
  const auto sweep =
      sweep_with({contrast("H17", estimate(0.0, -0.05, 0.05), 1.0, 1.0),
                  contrast("H17", estimate(-0.2, -0.3, -0.1), 1.0, 1.0)});
  EXPECT_EQ(claim(sweep, "H17").decision, Decision::kContradicted);
  const auto wide = sweep_with(
      Json::array({contrast("H17", estimate(0.1, -0.1, 0.3), 1.0, 1.0)}));
  EXPECT_EQ(claim(wide, "H17").decision, Decision::kUndecided);
}

TEST(ContrastClaims, OtherVectorsAreNotTheStudys) {
  auto entry = contrast("H15", estimate(0.3, 0.1, 0.5), 1.0, 1.0);
  entry["vector"] = "content@p";
  EXPECT_EQ(claim(sweep_with(Json::array({entry})), "H15").decision,
            Decision::kUndecided);
}

TEST(ContrastClaims, OneDirectionFallsShortOfTheCeiling) {
  EXPECT_EQ(claim(sweep_with(Json::array()), "H9").decision,
            Decision::kSupported);
  auto sweep = sweep_with(Json::array());
  sweep["best"][0]["of_ceiling"] = estimate(0.9, 0.85, 0.95);
  EXPECT_EQ(claim(sweep, "H9").decision, Decision::kContradicted);
  EXPECT_EQ(claim(Json::object(), "H9").decision, Decision::kUndecided);
}

}  // namespace
}  // namespace veer
