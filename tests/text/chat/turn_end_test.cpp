// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "text/tokenizer/fixtures.h"
#include "veer/text/chat/chat_format.h"

namespace veer {
namespace {

using testing::added;
using ::testing::HasSubstr;
using testing::Ids;
using ::testing::IsEmpty;

constexpr std::int32_t kEos = 256, kTurn = 257;

Tokenizer tokenizer() {
  Json file = testing::tiny_bpe(testing::byte_tokens());
  file["pre_tokenizer"] = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  file["decoder"] = {{"type", "ByteLevel"}};
  file["added_tokens"] = {added(kEos, "<eos>"), added(kTurn, "<turn>")};
  return testing::make(file);
}

ChatFormat format(const std::string& chat_template) {
  return ChatFormat::from_parts(tokenizer(), chat_template, "", "<eos>", {});
}

const std::vector<ChatMessage> kChat = {{"user", "q"}, {"assistant", "a"}};

TEST(TurnEnd, ASpecialTokenBehindEveryAnswerIsAStopTokenAndTold) {
  const auto f = format(
      "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}\n<turn>\n"
      "{% endfor %}{% if add_generation_prompt %}a:{% endif %}");
  EXPECT_EQ(f.stop_ids(), (Ids{kEos, kTurn}));
  ASSERT_EQ(f.notes().size(), 1U);
  EXPECT_THAT(f.notes()[0], HasSubstr("ends an answer with <turn>"));
  // The answer's ids end with it.
  EXPECT_EQ(f.encode(kChat).ids.back(), kTurn);
}

TEST(TurnEnd, AStopTokenAnywhereBehindTheAnswerIsEnough) {
  const auto f =
      format("{% for m in messages %}{{ m.content }}<turn><eos>{% endfor %}");
  EXPECT_EQ(f.stop_ids(), (Ids{kEos}));
  EXPECT_THAT(f.notes(), IsEmpty());
}

TEST(TurnEnd, OtherTextBehindAnAnswerIsToldOnly) {
  const auto f = format(
      "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
  EXPECT_EQ(f.stop_ids(), (Ids{kEos}));
  ASSERT_EQ(f.notes().size(), 1U);
  EXPECT_THAT(f.notes()[0], HasSubstr("\"\\n\", which holds no stop token"));
}

TEST(TurnEnd, ATokenThatEndsOnlySomeAnswersIsNoStopToken) {
  const auto f = format(
      "{% for m in messages %}{{ m.content }}{% if loop.last %}<turn>"
      "{% else %}.{% endif %}{% endfor %}");
  EXPECT_EQ(f.stop_ids(), (Ids{kEos}));
  EXPECT_THAT(f.notes()[0], HasSubstr("may run on"));
}

TEST(TurnEnd, NothingBehindAnAnswerSaysNothing) {
  EXPECT_THAT(
      format("{% for m in messages %}{{ m.content }}{% endfor %}").notes(),
      IsEmpty());
}

TEST(TurnEnd, PlainTextHasNone) {
  EXPECT_EQ(format("").stop_ids(), (Ids{kEos}));
}

}  // namespace
}  // namespace veer
