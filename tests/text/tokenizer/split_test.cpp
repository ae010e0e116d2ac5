// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/split.h"

#include <gtest/gtest.h>

#include "text/tokenizer/fixtures.h"
#include "veer/base/error.h"
#include "veer/text/unicode.h"

namespace veer {
namespace {

using Pieces = std::vector<std::string>;
const std::string kMeta = "\xE2\x96\x81";

Pieces split(const Json& node, const std::string& text, bool at_start = true) {
  const PreTokenizer steps(node, {"pre_tokenizer"});
  Regex::Scratch scratch;
  TextPieces pieces{text, {{0, text.size()}}, at_start};
  steps.apply(pieces, scratch);
  Pieces out;
  for (const auto [begin, end] : pieces.pieces) {
    out.push_back(pieces.text.substr(begin, end - begin));
  }
  return out;
}

Json by(const std::string& pattern, const std::string& behavior,
        bool invert = false) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", pattern}}},
          {"behavior", behavior},
          {"invert", invert}};
}

// "the-final--countdown" cut at "-", as the reference's documentation has it.
TEST(PreTokenizer, SplitBehaviours) {
  const std::string text = "the-final--countdown";
  EXPECT_EQ(split(by("-", "Removed"), text),
            (Pieces{"the", "final", "countdown"}));
  EXPECT_EQ(split(by("-", "Isolated"), text),
            (Pieces{"the", "-", "final", "-", "-", "countdown"}));
  EXPECT_EQ(split(by("-", "MergedWithPrevious"), text),
            (Pieces{"the-", "final-", "-", "countdown"}));
  EXPECT_EQ(split(by("-", "MergedWithNext"), text),
            (Pieces{"the", "-final", "-", "-countdown"}));
  EXPECT_EQ(split(by("-", "Contiguous"), text),
            (Pieces{"the", "-", "final", "--", "countdown"}));
  EXPECT_EQ(split(by("[a-z]+", "Removed", /*invert=*/true), text),
            (Pieces{"the", "final", "countdown"}));
}

TEST(PreTokenizer, LiteralPattern) {
  const Json node = {{"type", "Split"},
                     {"pattern", {{"String", " "}}},
                     {"behavior", "MergedWithPrevious"}};
  EXPECT_EQ(split(node, "a b  c"), (Pieces{"a ", "b ", " ", "c"}));
}

TEST(PreTokenizer, SimpleTypes) {
  EXPECT_EQ(split({{"type", "Digits"}}, "a12b"), (Pieces{"a", "12", "b"}));
  EXPECT_EQ(split({{"type", "Digits"}, {"individual_digits", true}}, "a12b"),
            (Pieces{"a", "1", "2", "b"}));
  EXPECT_EQ(split({{"type", "Whitespace"}}, " Hey  you! 3.5"),
            (Pieces{"Hey", "you", "!", "3", ".", "5"}));
  EXPECT_EQ(split({{"type", "WhitespaceSplit"}}, " Hey\xC2\xA0you! "),
            (Pieces{"Hey", "you!"}));
  EXPECT_EQ(split({{"type", "Punctuation"}}, "a,b!?"),
            (Pieces{"a", ",", "b", "!", "?"}));
}

TEST(PreTokenizer, Metaspace) {
  const auto node = [](const char* scheme, bool cut) {
    return Json{{"type", "Metaspace"},
                {"replacement", kMeta},
                {"prepend_scheme", scheme},
                {"split", cut}};
  };
  EXPECT_EQ(split(node("always", true), "a b"),
            (Pieces{kMeta + "a", kMeta + "b"}));
  EXPECT_EQ(split(node("always", false), "a b"),
            (Pieces{kMeta + "a" + kMeta + "b"}));
  EXPECT_EQ(split(node("never", false), "a b"), (Pieces{"a" + kMeta + "b"}));
  EXPECT_EQ(split(node("first", false), "a", /*at_start=*/false),
            (Pieces{"a"}));
  EXPECT_EQ(split(node("first", false), "a"), (Pieces{kMeta + "a"}));
  EXPECT_EQ(split(node("always", false), " a"), (Pieces{kMeta + "a"}));
  EXPECT_THROW(split({{"type", "Metaspace"},
                      {"prepend_scheme", "first"},
                      {"add_prefix_space", false}},
                     "a"),
               Error);
}

TEST(PreTokenizer, ByteLevelAtTheEndKeepsBytes) {
  const Json node = {{"type", "ByteLevel"}, {"add_prefix_space", true}};
  EXPECT_TRUE(PreTokenizer(node, {}).ends_in_bytes());
  EXPECT_EQ(split(node, "you're 5"), (Pieces{" you", "'re", " 5"}));
  const Json more = {{"type", "Sequence"},
                     {"pretokenizers",
                      {{{"type", "ByteLevel"},
                        {"add_prefix_space", false},
                        {"use_regex", false}},
                       {{"type", "WhitespaceSplit"}}}}};
  EXPECT_FALSE(PreTokenizer(more, {}).ends_in_bytes());
  EXPECT_EQ(split(more, "a b"), (Pieces{"a\xC4\xA0"
                                        "b"}));  // spelled: no space
}

TEST(PreTokenizer, RefusesWrongSettings) {
  EXPECT_THROW(split({{"type", "Split"}}, "a"), Error);
  EXPECT_THROW(split(by("a", "Sideways"), "a"), Error);
  EXPECT_THROW(split(by("", "Isolated"), "a"), Error);
  EXPECT_THROW(split({{"type", "Metaspace"}, {"prepend_scheme", "x"}}, "a"),
               Error);
  Json deep = by("a", "Isolated");
  for (int i = 0; i < 20; ++i) {
    deep = {{"type", "Sequence"}, {"pretokenizers", {deep}}};
  }
  EXPECT_THROW(split(deep, "a"), Error);
}

// The hand-written scanner and the regular expression cut alike.
TEST(ScanKnownPattern, EqualsTheRegularExpression) {
  const std::string qwen2 = [] {
    std::string text = testing::kLlama3Pattern;
    return text.replace(text.find("{1,3}"), 5, "");
  }();
  const std::vector<std::pair<KnownPattern, std::string>> patterns = {
      {KnownPattern::kGpt2, std::string(gpt2_pattern())},
      {KnownPattern::kLlama3, testing::kLlama3Pattern},
      {KnownPattern::kQwen2, qwen2}};
  const Pieces letters = {
      "a",  "S", "t", "r",        "e",        "l",        "'",
      "1",  "2", "3", " ",        "  ",       "\n",       "\r",
      "\t", "!", ".", "\xC3\xA9", "\xC2\xA0", "\xC5\xBF", "\xE2\x80\x99"};
  Regex::Scratch scratch;
  std::uint32_t state = 7;
  const auto random = [&](std::size_t n) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % n;
  };
  for (const auto& [known, pattern] : patterns) {
    ASSERT_EQ(recognise_pattern(pattern), known);
    const Regex regex = Regex::compile(pattern, "test");
    for (int round = 0; round < 3000; ++round) {
      std::string text;
      for (std::size_t i = 1 + random(9); i > 0; --i) {
        text += letters[random(letters.size())];
      }
      for (std::size_t at = 0; at < text.size();) {
        Regex::Match match;
        ASSERT_TRUE(regex.search(text, at, scratch, match));
        ASSERT_EQ(match.begin, at);
        const std::size_t end = scan_known_pattern(known, text, at);
        if (end != 0) {
          ASSERT_EQ(end, match.end) << pattern << "\n" << text << " at " << at;
        }
        at = match.end;
      }
    }
  }
  EXPECT_EQ(recognise_pattern("\\s+"), KnownPattern::kNone);
  EXPECT_EQ(scan_known_pattern(KnownPattern::kLlama3, " hi", 0), 3U);
}

}  // namespace
}  // namespace veer
