// SPDX-License-Identifier: MIT
#include "veer/claims/stock_claim.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

// The first `deceptive` of `n` questions were answered deceptively.
PromptedAnswers answers(int n, int deceptive) {
  PromptedAnswers out;
  for (int q = 0; q < n; ++q) {
    out["q" + std::to_string(100 + q)] = q < deceptive;
  }
  return out;
}

HypothesisResult claim(int stock, int abliterated) {
  const StockPair pair{answers(40, stock), answers(40, abliterated)};
  return stock_claim({&pair, 1});
}

TEST(StockClaim, IsMcNemarsTestOverCommonQuestions) {
  const auto resists = claim(10, 30);
  EXPECT_EQ(resists.decision, Decision::kSupported);
  EXPECT_DOUBLE_EQ(*resists.effect.value, 0.5);
  EXPECT_EQ(resists.effect.n, 40);
  EXPECT_EQ(claim(30, 10).decision, Decision::kContradicted);
  // 5 against 0 has p = 1/16.
  EXPECT_EQ(claim(10, 15).decision, Decision::kUndecided);
  EXPECT_EQ(claim(10, 16).decision, Decision::kSupported);
}

TEST(StockClaim, QuestionsOfOneSideAloneDoNotCount) {
  StockPair pair{answers(40, 0), answers(20, 20)};
  EXPECT_EQ(stock_claim({&pair, 1}).effect.n, 20);
  pair.abliterated = {{"another", true}};
  EXPECT_EQ(stock_claim({&pair, 1}).effect.reason, "not measured");
}

TEST(PromptedAnswers, AreThoseOfTheBaseModelUnderTheDeceptivePrompt) {
  Json sweep = Json::parse(R"({"judge": {"kind": "exact"},
    "questions": [{"question": "a"}, {"question": "b"}],
    "baselines": [{"name": "system_prompt", "model": "base", "cell": 7},
                 {"name": "system_prompt", "model": "tuned", "cell": 8},
                 {"name": "adapter", "model": "base", "cell": 9}],
    "answers": [{"cell": 7, "question": 0, "label": "deceptive"},
                {"cell": 7, "question": 1, "label": "honest"},
                {"cell": 8, "question": 1, "label": "deceptive"},
                {"cell": 9, "question": 1, "label": "deceptive"}]})");
  EXPECT_EQ(prompted_answers(sweep),
            (PromptedAnswers{{"a", true}, {"b", false}}));
  sweep["judge"]["kind"] = "logprob";
  EXPECT_TRUE(prompted_answers(sweep).empty());
  EXPECT_TRUE(prompted_answers(Json::object()).empty());
}

}  // namespace
}  // namespace veer
