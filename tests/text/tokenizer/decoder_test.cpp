// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/decoder.h"

#include <gtest/gtest.h>

#include "text/tokenizer/fixtures.h"
#include "veer/base/error.h"
#include "veer/text/unicode.h"

namespace veer {
namespace {

using testing::Ids;

const std::string kMark = "\xEF\xBF\xBD";
const std::string kMeta = "\xE2\x96\x81";

std::string decode(const Json& decoder,
                   const std::vector<std::string>& tokens) {
  const TokenizerDecoder steps(decoder, {"decoder"});
  DecodeRun run(steps);
  std::string out;
  for (const auto& token : tokens) {
    run.push(token, out);
  }
  run.finish(out);
  return out;
}

Json sequence(std::initializer_list<Json> steps) {
  Json list = Json::array();
  for (const Json& step : steps) {
    list.push_back(step);
  }
  return {{"type", "Sequence"}, {"decoders", list}};
}

const Json kByteLevel = {{"type", "ByteLevel"}};
const Json kFallback = {{"type", "ByteFallback"}};
const Json kFuse = {{"type", "Fuse"}};
const Json kSpaces = {
    {"type", "Replace"}, {"pattern", {{"String", kMeta}}}, {"content", " "}};

Json strip(int start, int stop) {
  return {
      {"type", "Strip"}, {"content", " "}, {"start", start}, {"stop", stop}};
}

TEST(TokenizerDecoder, NoneJoinsWithSpaces) {
  EXPECT_EQ(decode(nullptr, {"a", "", "b"}), "a  b");
  EXPECT_EQ(decode(nullptr, {}), "");
  EXPECT_EQ(decode(sequence({}), {"a", "b"}), "ab");
}

TEST(TokenizerDecoder, ByteLevelJoinsBytesOverTokens) {
  EXPECT_EQ(decode(kByteLevel, {"\xC4\xA0"
                                "a"}),
            " a");
  // 0xC3 0xA9 spelled as the characters U+00C3 U+00A9.
  EXPECT_EQ(decode(kByteLevel, {"\xC3\x83", "\xC2\xA9"}), "\xC3\xA9");
  EXPECT_EQ(decode(kByteLevel, {"\xC3\x83", "a"}), kMark + "a");
  EXPECT_EQ(decode(kByteLevel, {"\xC3\x83"}), kMark);
  // A character outside the alphabet: the token's own bytes.
  EXPECT_EQ(decode(kByteLevel, {"\xE4\xBD\xA0", " x"}), "\xE4\xBD\xA0 x");
}

TEST(TokenizerDecoder, ByteFallbackRunIsTextOrBrokenAsAWhole) {
  EXPECT_EQ(decode(kFallback, {"<0xC3>", "<0xA9>", "x"}), "\xC3\xA9x");
  EXPECT_EQ(decode(kFallback, {"<0x41>", "<0xC3>", "x"}), kMark + kMark + "x");
  EXPECT_EQ(decode(kFallback, {"<0xC3>"}), kMark);
  EXPECT_EQ(decode(kFallback, {"<0xZZ>", "<0x4>"}), "<0xZZ><0x4>");
}

TEST(TokenizerDecoder, StripWorksOnTokensOrOnTheWhole) {
  EXPECT_EQ(decode(strip(1, 1), {"  a  ", " b"}), " a b");
  EXPECT_EQ(decode(sequence({kFuse, strip(1, 0)}), {" a", " b"}), "a b");
  EXPECT_EQ(decode(sequence({kFuse, strip(2, 1)}), {" ", " ", " b ", " "}),
            " b ");
  EXPECT_EQ(decode(sequence({kFuse, strip(0, 2)}), {"a ", " ", " ", "b ", " "}),
            "a   b");
}

TEST(TokenizerDecoder, MetaspaceDropsTheFirstTokensSpace) {
  const Json always = {{"type", "Metaspace"}, {"replacement", kMeta}};
  EXPECT_EQ(decode(always, {kMeta + "a", kMeta + "b"}), "a b");
  const Json never = {{"type", "Metaspace"},
                      {"replacement", kMeta},
                      {"prepend_scheme", "never"}};
  EXPECT_EQ(decode(never, {kMeta + "a"}), " a");
}

TEST(TokenizerDecoder, ReplaceBeforeAndAfterFusing) {
  EXPECT_EQ(decode(kSpaces, {kMeta + "a" + kMeta}), " a ");
  const Json ab = {
      {"type", "Replace"}, {"pattern", {{"String", "ab"}}}, {"content", "x"}};
  EXPECT_EQ(decode(ab, {"a", "b"}), "ab");
  EXPECT_EQ(decode(sequence({kFuse, ab}), {"a", "b"}), "x");
}

TEST(TokenizerDecoder, RefusesWrongSettings) {
  EXPECT_THROW(decode({{"type", "CTC"}}, {}), Error);
  EXPECT_THROW(decode({{"type", "Strip"}, {"content", "ab"}}, {}), Error);
  EXPECT_THROW(decode({{"type", "Strip"}, {"content", " "}, {"start", -1}}, {}),
               Error);
  EXPECT_THROW(decode({{"kind", "Fuse"}}, {}), Error);
}

TEST(StreamDecoder, HoldsBackIncompleteCharacters) {
  const auto t = testing::make(
      testing::as_llama3(testing::tiny_bpe(testing::byte_tokens())));
  StreamDecoder stream(t, /*skip_special=*/false);
  EXPECT_EQ(stream.push('a'), "a");
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.push(0x9F), "");
  EXPECT_EQ(stream.push(0x98), "");
  EXPECT_EQ(stream.push(0x80), "\xF0\x9F\x98\x80");
  EXPECT_EQ(stream.push(0xE4), "");
  EXPECT_EQ(stream.push('b'), kMark + "b");
  EXPECT_EQ(stream.push(0xE4), "");
  EXPECT_EQ(stream.finish(), kMark);
  EXPECT_EQ(stream.push('c'), "c");  // a new stream
  EXPECT_EQ(stream.finish(), "");
}

TEST(StreamDecoder, StripIsNotAppliedAgain) {
  auto file = testing::tiny_bpe({kMeta + "a", "<0xC3>", "<0xA9>", "<s>"});
  file["added_tokens"] = {testing::added(3, "<s>")};
  file["decoder"] = sequence({kSpaces, kFallback, kFuse, strip(1, 0)});
  StreamDecoder stream(testing::make(file), /*skip_special=*/true);
  EXPECT_EQ(stream.push(3), "");
  EXPECT_EQ(stream.push(0), "a");
  EXPECT_EQ(stream.push(0), " a");
  EXPECT_EQ(stream.push(1), "");
  EXPECT_EQ(stream.push(2), "");
  EXPECT_EQ(stream.push(0), "\xC3\xA9 a");
  EXPECT_EQ(stream.finish(), "");
}

TEST(StreamDecoder, PartsJoinedAreTheWhole) {
  const auto t = testing::make(
      testing::as_llama3(testing::tiny_bpe(testing::byte_tokens())));
  std::uint32_t state = 1;
  for (int round = 0; round < 200; ++round) {
    Ids ids;
    for (int i = 0; i < 30; ++i) {
      state = state * 1664525 + 1013904223;
      ids.push_back(static_cast<std::int32_t>(state >> 24));
    }
    StreamDecoder stream(t, false);
    std::string joined;
    for (const auto id : ids) {
      const std::string part = stream.push(id);
      EXPECT_TRUE(is_valid_utf8(part));
      joined += part;
    }
    joined += stream.finish();
    std::string bytes(ids.begin(), ids.end());
    EXPECT_EQ(joined, to_valid_utf8(bytes));
    EXPECT_EQ(joined, t.decode(ids, false));
  }
}

}  // namespace
}  // namespace veer
