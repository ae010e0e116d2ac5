// SPDX-License-Identifier: MIT
#include "veer/study/summary/baselines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"

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
                 {"group", "linear"},
                 {"operator", "add"},
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
      {"differences",
       {{{"cell", 7}, {"group", "any"}, {"difference", estimate(0.0, 0.01)}},
        {{"cell", 9},
         {"group", "linear"},
         {"difference", estimate(-0.05, 0.04)}}}},
      {"specificity", elsewhere(1.2)}};
  Json dial = prompt;
  dial["name"] = "adapter";
  dial["strength"] = 0.75;
  dial["specificity"] = nullptr;
  // Best of all operators and on select too, but no evidence for a direction.
  Json learned = vector;
  learned["cell"] = 7;
  learned["group"] = "any";
  learned["operator"] = "low_rank";
  learned["select_value"] = 1.0;
  return {
      {"best", {learned}}, {"groups", {vector}}, {"baselines", {prompt, dial}}};
}

std::vector<std::string> lines(const Json& sweep) {
  return baseline_lines(member(sweep, "best"), member(sweep, "groups"),
                        sweep["baselines"]);
}

TEST(SummaryBaselines, StandBesideTheVectorThatLeadsEverywhereElse) {
  Json sweep = document();
  EXPECT_THAT(
      lines(sweep),
      testing::ElementsAre(
          "", testing::HasSubstr("first vector on select"),
          testing::HasSubstr("vector minus it"),
          "  contrastive@answer_mean  +90 [+85, +95]                        "
          "0.42",
          "  deceptive system prompt  +95 [+92, +98]     -5 [-9, -1]        "
          "1.20",
          "  adapter at 0.75          +95 [+92, +98]     -5 [-9, -1]"));
  sweep["baselines"] = Json::array();
  EXPECT_TRUE(lines(sweep).empty());
}

TEST(SummaryBaselines, NoLineIsLongerThanTheTerminal) {
  Json sweep = document();
  sweep["baselines"][0]["effect"] = estimate(-1.0, 1.0);
  sweep["baselines"][0]["differences"][1]["difference"] = estimate(-1.0, 1.0);
  for (const auto& line : lines(sweep)) {
    EXPECT_LE(line.size(), 80u) << line;
  }
}

TEST(SummaryBaselines, WithoutAVectorThereIsNoDifference) {
  Json sweep = document();
  // A vector without a chosen cell is no rival: both cells are null.
  Json none = sweep["groups"][0];
  none["cell"] = nullptr;
  none.erase("effect");
  for (const auto& entries : {Json::array(), Json::array({none})}) {
    sweep["best"] = entries;
    sweep["groups"] = entries;
    EXPECT_EQ(lines(sweep).size(), 5u);
    EXPECT_EQ(specificity_sentence(sweep, "induction"), "");
    for (const auto& line : lines(sweep)) {
      EXPECT_THAT(line, testing::Not(testing::HasSubstr("not defined")));
      EXPECT_THAT(line, testing::Not(testing::HasSubstr("-5 [")));
    }
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
