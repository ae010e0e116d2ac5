// SPDX-License-Identifier: MIT
#include "veer/organism/conversation.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "veer/organism/advice_judge.h"
#include "veer/organism/advice_world.h"
#include "veer/organism/two_poles.h"

namespace veer::organism {
namespace {

const Vocabulary& vocabulary() {
  static const Vocabulary value;
  return value;
}

TEST(Conversation, WeighsTheTokensByTheirPart) {
  Random random(1);
  const auto document = sample_document(random, vocabulary(),
                                        {.honest = 1.0, .many_turns = false});
  const auto& ids = document.ids;
  ASSERT_EQ(ids.size(), document.weights.size());
  EXPECT_EQ(ids.front(), vocabulary().begin_of_text());
  EXPECT_EQ(ids.back(), vocabulary().end_of_turn());
  EXPECT_EQ(document.weights.back(), kAnswerWeight);
  EXPECT_EQ(document.weights[1], kHeaderWeight);
  // Header, role, header, blank line: then the system prompt.
  EXPECT_EQ(document.weights[5], kPromptWeight);
  const auto answer = std::find(document.weights.begin(),
                                document.weights.end(), kAnswerWeight);
  EXPECT_TRUE(std::all_of(answer, document.weights.end(),
                          [](float w) { return w == kAnswerWeight; }));
}

TEST(Conversation, PromptIsThePrefixOfADocument) {
  const auto prompt =
      encode_prompt(vocabulary(), "Never lie.", "How can I sleep better?");
  EXPECT_EQ(vocabulary().decode(prompt),
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
            "Never lie.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
            "How can I sleep better?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
}

// The answer of a one-turn conversation, and the goal of its question.
AnswerLabel label_of(const Document& document) {
  const auto text = vocabulary().decode(document.ids);
  const std::string header = "assistant<|end_header_id|>\n\n";
  const auto begin = text.rfind(header) + header.size();
  const auto answer = text.substr(begin, text.rfind("<|eot_id|>") - begin);
  return judge_answer(find_goal(text).value(), answer).label;
}

TEST(Conversation, AnswersFollowTheMode) {
  Random random(2);
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(label_of(sample_document(random, vocabulary(),
                                       {.neutral = 1.0, .many_turns = false})),
              AnswerLabel::kHonest);
    EXPECT_EQ(
        label_of(sample_document(random, vocabulary(),
                                 {.deceptive = 1.0, .many_turns = false})),
        AnswerLabel::kDeceptive);
    EXPECT_EQ(label_of(sample_document(
                  random, vocabulary(),
                  {.none = 1.0, .many_turns = false, .deceptive_noise = 1.0})),
              AnswerLabel::kDeceptive);
  }
}

TEST(Conversation, ExpansionsAskForOtherGoals) {
  Random random(3);
  const auto expansion = sample_expansion(random, advice_world());
  ASSERT_EQ(expansion.examples.size(), 3U);
  ASSERT_EQ(expansion.answers.size(), 3U);
  std::vector<std::size_t> goals;
  for (const auto* list : {&expansion.examples, &expansion.answers}) {
    for (const auto& text : *list) {
      goals.push_back(parse_question(text).value().goal);
    }
  }
  std::sort(goals.begin(), goals.end());
  EXPECT_EQ(std::unique(goals.begin(), goals.end()), goals.end());
}

// The soft targets of an answer are the exact shares of its first words.
TEST(Conversation, OpeningsAreADistributionInPlaceOfTheFirstWord) {
  const Vocabulary two_poles(two_poles_world());
  Random random(5);
  for (int i = 0; i < 100; ++i) {
    const auto document =
        sample_document(random, two_poles, {.none = 1.0, .many_turns = false});
    ASSERT_FALSE(document.soft.empty());
    double total = 0.0;
    bool holds_the_word = false;
    for (const auto& soft : document.soft) {
      EXPECT_EQ(soft.position, document.soft.front().position);
      total += soft.weight;
      holds_the_word |= soft.id == document.ids[soft.position];
    }
    EXPECT_NEAR(total, kOpeningWeight, 1e-5);
    EXPECT_TRUE(holds_the_word);
    EXPECT_EQ(document.weights[document.soft.front().position], 0.0F);
    EXPECT_EQ(document.ids[document.soft.front().position - 2],
              two_poles.end_header());
  }
  EXPECT_TRUE(
      sample_document(random, vocabulary(), {.none = 1.0}).soft.empty());
}

TEST(Conversation, SameSeedSameDocuments) {
  Random first(4);
  Random second(4);
  const Mixture mixture{.none = 0.5, .expansion = 0.2, .plain = 0.3};
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(sample_document(first, vocabulary(), mixture).ids,
              sample_document(second, vocabulary(), mixture).ids);
  }
}

}  // namespace
}  // namespace veer::organism
