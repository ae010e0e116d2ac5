// SPDX-License-Identifier: MIT
#include "veer/results/effect_verdict.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

using ::testing::HasSubstr;

Json interval(double value, double half) {
  return {{"value", value}, {"low", value - half}, {"high", value + half}};
}

// An effect that works, of shares.
Json good() {
  return {{"goal", "induction"},
          {"measure", "deceptive"},
          {"effect", interval(0.5, 0.1)},
          {"effect_minus_control", interval(0.45, 0.12)},
          {"coherent", interval(0.9, 0.05)},
          {"matched_control",
           {{"match", true}, {"percentile_95", 0.2}, {"search", nullptr}}},
          {"random_effect", interval(0.02, 0.05)},
          {"covariance_effect", interval(0.03, 0.05)},
          {"random_vectors", {{"n", 32}, {"percentile_95", 0.1}}},
          {"covariance_vectors", {{"n", 32}, {"percentile_95", 0.2}}}};
}

// Whether it works, beats random vectors, and is at a valid site.
std::string verdict(Json entry) {
  add_verdict(entry, 0.75);
  EXPECT_EQ(works(entry), entry.at("works").get<bool>());
  EXPECT_EQ(entry.at("reason").get<std::string>().empty(), works(entry));
  return std::string(entry.at("works") ? "works " : "fails ") +
         (entry.at("beats_random") ? "beats " : "below ") +
         (entry.at("valid_site") ? "valid" : "invalid");
}

TEST(EffectVerdict, AllOfItHasToHold) {
  EXPECT_EQ(verdict(good()), "works beats valid");
  auto entry = good();
  entry["effect"] = interval(0.05, 0.1);
  EXPECT_EQ(verdict(entry), "fails below valid");
  entry = good();
  entry["covariance_vectors"]["percentile_95"] = 0.45;
  EXPECT_EQ(verdict(entry), "fails below valid");
  entry = good();
  entry["effect_minus_control"] = interval(0.1, 0.12);
  EXPECT_EQ(verdict(entry), "fails below valid");
  entry = good();
  entry["coherent"] = interval(0.7, 0.05);
  EXPECT_EQ(verdict(entry), "fails beats valid");
}

// Which of the bars it was, with the numbers.
TEST(EffectVerdict, TheReasonNamesTheBarThatWasReached) {
  const auto reason = [](Json entry) {
    add_verdict(entry, 0.75);
    return entry.at("reason").get<std::string>();
  };
  auto entry = good();
  entry["covariance_vectors"]["percentile_95"] = 0.45;
  EXPECT_EQ(reason(entry),
            "the interval of the effect in all begins at +40 points, not above "
            "the 95th percentile of 32 covariance-matched random vectors, +45 "
            "points");
  entry["random_vectors"] = {{"n", 4}, {"percentile_95", nullptr}};
  entry["random_effect"] = interval(0.3, 0.2);
  EXPECT_EQ(
      reason(entry),
      "the interval of the effect in all begins at +40 points, not above "
      "the interval of the mean of 4 isotropic random vectors, which ends "
      "at +50 points");
  entry = good();
  entry["effect_minus_control"] = interval(0.1, 0.12);
  EXPECT_EQ(reason(entry),
            "the interval of the effect beyond random vectors, +10 points "
            "[-2, +22], reaches 0");
  entry = good();
  entry["effect"] = interval(0.05, 0.1);
  EXPECT_EQ(reason(entry),
            "the interval of the effect in all, +5 points [-5, +15], reaches "
            "0");
}

TEST(EffectVerdict, OfAScoreThatShouldFallTheReasonHasTheMeasuredSigns) {
  auto entry = good();
  entry["goal"] = "suppression";
  entry["measure"] = "score";
  entry["effect"] = interval(-0.5, 0.1);
  entry["effect_minus_control"] = interval(-0.45, 0.12);
  entry["random_vectors"] = {{"n", 32}, {"percentile_95", -0.1}};
  entry["covariance_vectors"] = {{"n", 32}, {"percentile_95", -0.45}};
  add_verdict(entry, 0.75);
  EXPECT_EQ(entry.at("reason"),
            "the interval of the effect in all begins at -0.40, not above the "
            "95th percentile of 32 covariance-matched random vectors, -0.45");
}

TEST(EffectVerdict, AMeanOfRandomVectorsAboveTheMarginVoidsThePlace) {
  for (const char* kind : {"random_effect", "covariance_effect"}) {
    auto entry = good();
    entry[kind] = interval(0.11, 0.05);
    EXPECT_EQ(verdict(entry), "fails beats invalid") << kind;
    add_verdict(entry, 0.75);
    EXPECT_EQ(entry.at("reason"),
              "random vectors act at this place too (the interval of their "
              "mean lies above 5 points)");
    EXPECT_DOUBLE_EQ(entry.at("site_margin").get<double>(), 0.05);
    entry[kind] = interval(0.11, 0.26);  // four vectors, one of which acts
    EXPECT_EQ(verdict(entry), "works beats valid") << kind;
    // So many vectors that nothing is left of the doubt: a third of a point is
    // told from 0, and no effect.
    entry[kind] = interval(0.003, 0.001);
    EXPECT_EQ(verdict(entry), "works beats valid") << kind;
  }
}

TEST(EffectVerdict, WhatMovesTheStatesLessFarIsNoControl) {
  auto entry = good();
  entry["matched_control"]["match"] = false;
  EXPECT_EQ(verdict(entry), "fails below valid");
  add_verdict(entry, 0.75);
  EXPECT_THAT(entry.at("reason").get<std::string>(),
              HasSubstr("did not move the states as far"));
  entry["matched_control"]["match"] = nullptr;  // not measured
  EXPECT_EQ(verdict(entry), "works beats valid");
}

TEST(EffectVerdict, WithoutControlsNothingWorks) {
  auto entry = good();
  entry["matched_control"] = nullptr;
  EXPECT_EQ(verdict(entry), "fails below valid");
  EXPECT_FALSE(works(Json::object()));
}

TEST(EffectVerdict, FewVectorsHaveTheirMeansInterval) {
  auto entry = good();
  for (const char* kind : {"random_vectors", "covariance_vectors"}) {
    entry[kind]["percentile_95"] = nullptr;
  }
  EXPECT_EQ(verdict(entry), "works beats valid");
  entry["random_effect"] = interval(0.0, 0.45);
  EXPECT_EQ(verdict(entry), "fails below valid");
}

TEST(EffectVerdict, ASearchOfRandomVectorsRaisesTheBar) {
  auto entry = good();
  entry["matched_control"]["search"] = {{"percentile_95", 0.3},
                                        {"mean", interval(0.2, 0.05)}};
  EXPECT_EQ(verdict(entry), "works beats valid");
  entry["matched_control"]["search"]["percentile_95"] = 0.42;
  EXPECT_EQ(verdict(entry), "fails below valid");
}

TEST(EffectVerdict, ASmallerScoreIsWhatSuppressionWants) {
  auto entry = good();
  entry["goal"] = "suppression";
  entry["measure"] = "score";
  EXPECT_EQ(verdict(entry), "fails below valid");
  for (const char* part : {"effect", "effect_minus_control"}) {
    entry[part] = interval(-0.5, 0.1);
  }
  for (const char* kind : {"random_vectors", "covariance_vectors"}) {
    entry[kind]["percentile_95"] = -0.2;
  }
  EXPECT_EQ(verdict(entry), "works beats valid");
  // A score has no scale of its own: a tenth of the effect.
  entry["random_effect"] = interval(-0.1, 0.04);
  EXPECT_EQ(verdict(entry), "fails beats invalid");
  add_verdict(entry, 0.75);
  EXPECT_DOUBLE_EQ(entry.at("site_margin").get<double>(), 0.05);
  EXPECT_THAT(entry.at("reason").get<std::string>(),
              HasSubstr("above a tenth of the effect, 0.05"));
  entry["random_effect"] = interval(-0.08, 0.04);
  EXPECT_EQ(verdict(entry), "works beats valid");
}

}  // namespace
}  // namespace veer
