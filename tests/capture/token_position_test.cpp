// SPDX-License-Identifier: MIT
#include "veer/capture/token_position.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/text/chat/chat_format.h"

namespace veer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// <bos> sys sys <q> ask ask <a> \n ans ans ans <end>
EncodedChat example() {
  const auto T = TokenRole::kTemplate;
  const auto S = TokenRole::kSystem;
  const auto Q = TokenRole::kQuestion;
  const auto A = TokenRole::kAnswer;
  EncodedChat text;
  text.ids = {1, 5, 6, 2, 7, 8, 3, 9, 10, 11, 12, 4};
  text.roles = {T, S, S, T, Q, Q, T, T, A, A, A, T};
  text.prompt_length = 8;
  text.answer_begin = 8;
  text.answer_end = 11;
  return text;
}

std::vector<std::int64_t> tokens(const char* name, const EncodedChat& text) {
  return position_tokens(text, parse_position(name));
}

TEST(TokenPosition, PicksTokensByRoleAndOffset) {
  const auto text = example();
  EXPECT_THAT(tokens("prompt_end", text), ElementsAre(7));
  EXPECT_THAT(tokens("answer_first", text), ElementsAre(8));
  EXPECT_THAT(tokens("answer_last", text), ElementsAre(10));
  EXPECT_THAT(tokens("answer_mean", text), ElementsAre(8, 9, 10));
  EXPECT_THAT(tokens("answer_token.1", text), ElementsAre(9));
  EXPECT_THAT(tokens("span.system", text), ElementsAre(1, 2));
  EXPECT_THAT(tokens("span.question", text), ElementsAre(4, 5));
  EXPECT_THAT(tokens("span.template", text), ElementsAre(0, 3, 6, 7, 11));
  EXPECT_THAT(tokens("legacy_last", text), ElementsAre(11));
  EXPECT_EQ(tokens("all", text).size(), 11U);
  EXPECT_EQ(tokens("all", text).front(), 1);
}

TEST(TokenPosition, ThinkingIsWhatLiesBetweenTheMarksOfABlock) {
  auto text = example();
  text.thinking = {4, 6, false};
  EXPECT_THAT(tokens("thinking", text), ElementsAre(4, 5));
  EXPECT_EQ(parse_position("thinking").name(), "thinking");
  // An answer may bring thoughts of its own.
  EXPECT_FALSE(parse_position("thinking").in_prompt());
}

TEST(TokenPosition, IsEmptyWhereTheTextHasNoSuchToken) {
  auto text = example();
  EXPECT_THAT(tokens("thinking", text), IsEmpty());
  EXPECT_THAT(tokens("answer_token.3", text), IsEmpty());
  text.answer_end = text.answer_begin;  // a prompt alone
  EXPECT_THAT(tokens("answer_first", text), IsEmpty());
  EXPECT_THAT(tokens("answer_last", text), IsEmpty());
  EXPECT_THAT(tokens("answer_mean", text), IsEmpty());
}

TEST(TokenPosition, OneTokenAnswersMakeThreePositionsCoincide) {
  auto text = example();
  text.answer_end = 9;
  EXPECT_EQ(tokens("answer_first", text), tokens("answer_last", text));
  EXPECT_EQ(tokens("answer_first", text), tokens("answer_mean", text));
}

TEST(TokenPosition, NamesComeBack) {
  for (const char* name :
       {"prompt_end", "answer_first", "answer_last", "answer_mean",
        "answer_token.12", "span.system", "span.question", "span.template",
        "all", "legacy_last"}) {
    EXPECT_EQ(parse_position(name).name(), name);
  }
  for (const char* name : {"", "answer", "answer_token.", "answer_token.-1",
                           "answer_token.1x", "PROMPT_END"}) {
    EXPECT_THROW(parse_position(name), Error) << name;
  }
}

TEST(TokenPosition, KnowsWhatTheAnswerCannotChange) {
  EXPECT_TRUE(parse_position("prompt_end").in_prompt());
  EXPECT_TRUE(parse_position("span.question").in_prompt());
  EXPECT_FALSE(parse_position("answer_first").in_prompt());
  EXPECT_FALSE(parse_position("span.template").in_prompt());
}

}  // namespace
}  // namespace veer
