// SPDX-License-Identifier: MIT
#include "veer/claims/trait_claim.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "planted_sweep.h"

namespace veer {
namespace {

constexpr std::int64_t kQuestions = 40;

Json cell(std::int64_t id, const std::string& vector) {
  return {{"id", id}, {"vector", vector}, {"model", "base"}, {"split", "test"}};
}

Json added(std::int64_t id, const std::string& vector) {
  Json entry = planted_effect(vector, "induction", 0.9);
  entry["cell"] = id;
  entry["layers"] = "1";
  return entry;
}

// Cosine of both vectors with a neutral confound, and with one that carries the
// behaviour.
Json comparison(double cosine, double half, double span) {
  const Json far = {{"layer", 0}, {"cosine", 0.9}, {"low", 0.8}, {"high", 1.0}};
  const Json here = {{"layer", 1},
                     {"cosine", cosine},
                     {"low", cosine - half},
                     {"high", cosine + half}};
  const Json same = {
      {"layer", 1}, {"cosine", 0.9}, {"low", 0.8}, {"high", 1.0}};
  Json overlaps = Json::array();
  for (const char* vector : {"c", "f"}) {
    overlaps.push_back({{"vector", vector},
                        {"confound", "confound_system@p"},
                        {"by_layer", {far, here}}});
    overlaps.push_back({{"vector", vector},
                        {"confound", "confound_format@p"},
                        {"by_layer", {same}}});
  }
  return {
      {"confound_behaviour",
       {{{"confound", "confound_format"}, {"carries", true}}}},
      {"confounds",
       {{"overlaps", overlaps},
        {"by_chance",
         {{{"vector", "c"},
           {"by_layer", {{{"layer", 1}, {"largest_share", 0.05}}}}},
          {{"vector", "f"},
           {"by_layer", {{{"layer", 1}, {"largest_share", 0.05}}}}}}},
        {"pairs",
         {{{"a", "c"},
           {"b", "f"},
           {"by_layer",
            {{{"layer", 1}, {"removed_a", span}, {"removed_b", span}}}}}}}}}};
}

// Unsteered answers have four words, every tenth five.
std::string words(std::int64_t question, std::int64_t more) {
  std::string text;
  for (std::int64_t i = 0; i < 4 + (question % 10 == 0 ? 1 : 0) + more; ++i) {
    text += "word ";
  }
  return text;
}

HypothesisResult claim(std::int64_t more_words, double off_topic,
                       const Json& geometry = comparison(0.05, 0.05, 0.01),
                       const std::vector<std::string>& deciding = {"c", "f"},
                       std::int64_t random_words = 0, double coherent = 1.0) {
  Json sweep = {{"cells",
                 {cell(0, ""), cell(1, "c"), cell(2, "f"),
                  cell(3, "random-1|c"), cell(4, "random-cov-1|f")}},
                {"groups", {added(1, "c"), added(2, "f")}}};
  for (auto& entry : sweep["groups"]) {
    entry["coherent"]["value"] = coherent;
  }
  std::vector<AnswerRow> answers;
  for (std::int64_t id = 0; id < 5; ++id) {
    for (std::int64_t q = 0; q < kQuestions; ++q) {
      AnswerRow row;
      row.cell = id;
      row.question = q;
      row.text = words(q, id > 2                  ? random_words
                          : id == 1 && q % 4 != 0 ? more_words
                                                  : 0);
      const bool off =
          id == 2 && static_cast<double>(q) < off_topic * kQuestions;
      row.label = off ? "off_topic" : id == 0 ? "honest" : "deceptive";
      answers.push_back(row);
    }
  }
  return trait_claim(geometry, sweep, answers, chosen_effects(sweep), deciding,
                     {"c", "f"}, 1);
}

TEST(TraitClaim, LongerAnswersAreCarriedAlong) {
  const auto got = claim(2, 0.0);
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_THAT(got.reason, testing::HasSubstr("c, length"));
  // Two more words of 4.1 in three answers of four.
  EXPECT_THAT(got.reason, testing::HasSubstr("+37 %"));
  EXPECT_EQ(got.definition.unit, "change of the answers, as a share");
}

// Random vectors that move the states as far make answers as long.
TEST(TraitClaim, WhatRandomVectorsDoToAnswersIsNotCarriedAlong) {
  const auto geometry = comparison(0.05, 0.05, 0.01);
  const auto got = claim(2, 0.0, geometry, {"c", "f"}, 2);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, testing::HasSubstr("random vectors stay below 49 %"));
}

TEST(TraitClaim, BrokenTextShowsNothing) {
  const auto geometry = comparison(0.05, 0.05, 0.01);
  const auto got = claim(2, 0.0, geometry, {"c", "f"}, 0, 0.6);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, testing::HasSubstr("shows nothing"));
}

TEST(TraitClaim, SoIsLeavingTheTopic) {
  const auto got = claim(0, 0.3);
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_THAT(got.reason, testing::HasSubstr("f, off topic"));
}

TEST(TraitClaim, NothingButDeceptionContradicts) {
  EXPECT_EQ(claim(0, 0.0).decision, Decision::kContradicted);
}

TEST(TraitClaim, AFewAnswersOffTopicDecideNothing) {
  EXPECT_EQ(claim(0, 0.05).decision, Decision::kUndecided);
}

// A third of the squared length along a neutral system prompt, in a direction
// whose answers change in nothing else.
TEST(TraitClaim, WhatLiesAlongANeutralConfoundIsCarriedAlong) {
  auto geometry = comparison(-0.6, 0.03, 0.45);
  geometry["vectors"] = Json::array();
  for (const char* name : {"c", "f"}) {
    geometry["vectors"].push_back({{"name", name}, {"n", 60}, {"clusters", 9}});
  }
  const auto got = claim(0, 0.0, geometry);
  EXPECT_EQ(got.effect.n, 60);
  EXPECT_EQ(got.effect.clusters, 9);
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_NEAR(*got.effect.value, 0.36, 1e-9);
  EXPECT_LT(*got.effect.low, 0.57 * 0.57);  // widened for both vectors
  EXPECT_THAT(got.reason, testing::HasSubstr("36 % along confound_system@p"));
  EXPECT_THAT(got.reason, testing::HasSubstr("45 % in the span"));
  // Little along each, much along all: not settled.
  EXPECT_EQ(claim(0, 0.0, comparison(0.05, 0.05, 0.3)).decision,
            Decision::kUndecided);
  EXPECT_EQ(claim(0, 0.0, comparison(0.3, 0.15, 0.09)).decision,
            Decision::kUndecided);
  // Without confounds the answers alone cannot clear the directions.
  EXPECT_EQ(claim(0, 0.0, Json::object()).decision, Decision::kUndecided);
}

// A random direction holds a third along its largest confound as well.
TEST(TraitClaim, WhatChanceGivesIsNotCarriedAlong) {
  auto geometry = comparison(-0.6, 0.03, 0.45);
  for (auto& own : geometry["confounds"]["by_chance"]) {
    own["by_layer"][0]["largest_share"] = 0.34;
  }
  const auto got = claim(0, 0.0, geometry);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, testing::HasSubstr("34 % is reached by chance"));
  geometry["confounds"].erase("by_chance");
  EXPECT_EQ(claim(0, 0.0, geometry).decision, Decision::kUndecided);
  EXPECT_THAT(claim(0, 0.0, geometry).reason,
              testing::HasSubstr("what chance gives is not known"));
}

// What a vector beside the pair carries is said and decides nothing.
TEST(TraitClaim, OtherVectorsDecideNothing) {
  auto geometry = comparison(0.05, 0.05, 0.01);
  auto& overlaps = geometry["confounds"]["overlaps"];
  overlaps[2]["by_layer"][1] = {
      {"layer", 1}, {"cosine", -0.6}, {"low", -0.63}, {"high", -0.57}};
  EXPECT_EQ(claim(0, 0.0, geometry).decision, Decision::kSupported);
  const auto got = claim(0, 0.3, geometry, {"c"});
  EXPECT_EQ(got.decision, Decision::kContradicted);
  EXPECT_NEAR(*got.effect.value, 0.0025, 1e-9);
  EXPECT_THAT(got.reason,
              testing::HasSubstr("; not deciding: f: 36 % along confound_"));
  EXPECT_THAT(got.reason, testing::HasSubstr("f, off topic"));
}

TEST(TraitClaim, SaysWhenThereIsNoCell) {
  EXPECT_FALSE(
      trait_claim(Json::object(), Json::object(), {}, {}, {"c"}, {"c"}, 1)
          .measured());
}

}  // namespace
}  // namespace veer
