// SPDX-License-Identifier: MIT
#include "veer/study/summary_baselines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

Json estimate(double value, double half) {
  return {{"value", value}, {"low", value - half}, {"high", value + half}};
}

Json elsewhere(double nats) {
  return {{"texts", 40}, {"divergence", {{"mean", estimate(nats, 0.1)}}}};
}

Json document() {
  Json vector = {{"vector", "contrastive@answer_mean"},
                 {"goal", "induction"},
                 {"measure", "deceptive"},
                 {"cell", 9},
                 {"operator", "add_keep_norm"},
                 {"effect", estimate(0.9, 0.05)},
                 {"specificity", elsewhere(0.42)}};
  vector["specificity"]["random"] = {
      {"divergence", {{"mean", estimate(0.11, 0.05)}}}};
  Json prompt = {
      {"name", "system_prompt"},
      {"goal", "induction"},
      {"measure", "deceptive"},
      {"cell", 3},
      {"effect", estimate(0.95, 0.03)},
      {"against", {{"vector", "contrastive@answer_mean"}, {"cell", 9}}},
      {"difference", estimate(-0.05, 0.04)},
      {"specificity", elsewhere(1.2)}};
  Json dial = prompt;
  dial["name"] = "adapter";
  dial["strength"] = 0.75;
  dial["specificity"] = nullptr;
  return {{"best", {vector}}, {"baselines", {prompt, dial}}};
}

TEST(SummaryBaselines, StandBesideTheBestVector) {
  const Json sweep = document();
  EXPECT_THAT(
      baseline_lines(sweep["best"], sweep["baselines"]),
      testing::ElementsAre(
          testing::HasSubstr("best vector minus it"),
          "  contrastive@answer_mean  induction   +90 [+85, +95]    by "
          "add_keep_norm   0.42",
          "  deceptive system prompt  induction   +95 [+92, +98]    -5 [-9, "
          "-1]        1.20",
          "  adapter at 0.75          induction   +95 [+92, +98]    -5 [-9, "
          "-1]"));
  EXPECT_TRUE(baseline_lines(sweep["best"], Json::array()).empty());
}

TEST(SummaryBaselines, NoLineIsLongerThanTheTerminal) {
  Json sweep = document();
  sweep["baselines"][0]["effect"] = estimate(-1.0, 1.0);
  sweep["baselines"][0]["difference"] = estimate(-1.0, 1.0);
  for (const auto& line : baseline_lines(sweep["best"], sweep["baselines"])) {
    EXPECT_LE(line.size(), 80u) << line;
  }
}

TEST(SummaryBaselines, WithoutABestVectorThereIsNoDifference) {
  Json sweep = document();
  for (auto& baseline : sweep["baselines"]) {
    baseline["against"] = nullptr;
    baseline["difference"] = nullptr;
  }
  EXPECT_EQ(baseline_lines(Json::array(), sweep["baselines"]).size(), 3u);
  EXPECT_EQ(specificity_sentence(sweep, "induction"), "");
  // A vector without a chosen cell is no rival: both cells are null.
  Json none = sweep["best"][0];
  none["cell"] = nullptr;
  none.erase("effect");
  for (const auto& line :
       baseline_lines(Json::array({none}), sweep["baselines"])) {
    EXPECT_THAT(line, testing::Not(testing::HasSubstr("not defined")));
  }
}

TEST(SummaryBaselines, SayWhatTheyCostElsewhere) {
  EXPECT_EQ(specificity_sentence(document(), "induction"),
            "On 40 questions about something else, contrastive@answer_mean for "
            "induction changes what the model predicts by 0.42 nats per token "
            "(random vectors in its place 0.11); deceptive system prompt "
            "1.20.");
  EXPECT_EQ(specificity_sentence(document(), "suppression"), "");
}

}  // namespace
}  // namespace veer
