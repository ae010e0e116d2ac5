// SPDX-License-Identifier: MIT
#include "veer/study/trait_claim.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

constexpr std::int64_t kQuestions = 40;

Json cell(std::int64_t id, const std::string& vector) {
  return {{"id", id}, {"vector", vector}, {"model", "base"}, {"split", "test"}};
}

Json best(std::int64_t id, const std::string& vector) {
  return {{"vector", vector},
          {"goal", "induction"},
          {"cell", id},
          {"effect", {{"value", 0.9}}}};
}

// Unsteered answers have four words, every tenth five.
std::string words(std::int64_t question, std::int64_t more) {
  std::string text;
  for (std::int64_t i = 0; i < 4 + (question % 10 == 0 ? 1 : 0) + more; ++i) {
    text += "word ";
  }
  return text;
}

HypothesisResult claim(std::int64_t more_words, double off_topic) {
  const Json sweep = {{"cells", {cell(0, ""), cell(1, "c"), cell(2, "f")}},
                      {"best", {best(1, "c"), best(2, "f")}}};
  std::vector<AnswerRow> answers;
  for (std::int64_t id = 0; id < 3; ++id) {
    for (std::int64_t q = 0; q < kQuestions; ++q) {
      AnswerRow row;
      row.cell = id;
      row.question = q;
      row.text = words(q, id == 1 && q % 4 != 0 ? more_words : 0);
      const bool off =
          id == 2 && static_cast<double>(q) < off_topic * kQuestions;
      row.label = off ? "off_topic" : id == 0 ? "honest" : "deceptive";
      answers.push_back(row);
    }
  }
  return trait_claim(sweep, answers, "c", "f", 1);
}

TEST(TraitClaim, LongerAnswersAreCarriedAlong) {
  const auto got = claim(2, 0.0);
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_THAT(got.reason, testing::HasSubstr("c, length"));
  // Two more words of 4.1 in three answers of four.
  EXPECT_NEAR(got.effect.value.value(), 0.75 * 2.0 / 4.1, 1e-9);
  EXPECT_EQ(got.effect.n, kQuestions);
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

TEST(TraitClaim, SaysWhenThereIsNoCell) {
  const auto got = trait_claim(Json::object(), {}, "c", "f", 1);
  EXPECT_EQ(got.effect.reason, "not measured");
}

}  // namespace
}  // namespace veer
