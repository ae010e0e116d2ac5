// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/added.h"

#include <gtest/gtest.h>

#include "text/tokenizer/fixtures.h"

namespace veer {
namespace {

using testing::Ids;

// "id:text" of each section, text between tokens as "-:text".
std::vector<std::string> split(std::vector<AddedToken> tokens,
                               const std::string& text) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i].id = static_cast<std::int32_t>(i);
  }
  const AddedTokenSplitter splitter(tokens, /*normalized=*/false);
  std::vector<TextSection> sections;
  Regex::Scratch scratch;
  splitter.split(text, /*as_letters=*/false, scratch, sections);
  std::vector<std::string> out;
  for (const auto& [begin, end, id] : sections) {
    out.push_back((id < 0 ? "-" : std::to_string(id)) + ":" +
                  text.substr(begin, end - begin));
  }
  return out;
}

using Sections = std::vector<std::string>;

TEST(TokenTrie, LeftmostThenLongest) {
  TokenTrie trie;
  EXPECT_TRUE(trie.empty());
  for (const auto& [text, value] :
       {std::pair{"ab", 0}, {"abcd", 1}, {"bcde", 2}, {"b", 3}}) {
    trie.insert(text, value);
  }
  const auto find = [&](std::string_view text, std::size_t from) {
    TokenTrie::Match match;
    return trie.find(text, from, match)
               ? std::make_tuple(match.begin, match.end, match.value)
               : std::make_tuple(std::size_t{0}, std::size_t{0}, -1);
  };
  using Found = std::tuple<std::size_t, std::size_t, std::int32_t>;
  EXPECT_EQ(find("xabcdx", 0), (Found{1, 5, 1}));
  EXPECT_EQ(find("xabcx", 0), (Found{1, 3, 0}));  // abcd fails, ab stands
  EXPECT_EQ(find("xbcde", 0), (Found{1, 5, 2}));
  EXPECT_EQ(find("abcd", 1), (Found{1, 2, 3}));
  EXPECT_EQ(find("xyz", 0), (Found{0, 0, -1}));
}

TEST(AddedTokens, CoverTheText) {
  EXPECT_EQ(split({{.content = "<s>"}, {.content = "\n\n"}}, "a<s><s>b\n\n\n"),
            (Sections{"-:a", "0:<s>", "0:<s>", "-:b", "1:\n\n", "-:\n"}));
  EXPECT_EQ(split({{.content = "<s>"}}, ""), Sections{});
  EXPECT_EQ(split({}, "ab"), (Sections{"-:ab"}));
}

TEST(AddedTokens, StripFlagsSwallowWhiteSpace) {
  const AddedToken left{.content = "<l>", .left_strip = true};
  const AddedToken right{.content = "<r>", .right_strip = true};
  EXPECT_EQ(split({left}, "a \xC2\xA0<l> b"),
            (Sections{"-:a", "0: \xC2\xA0<l>", "-: b"}));
  EXPECT_EQ(split({right}, "a <r> \n b"),
            (Sections{"-:a ", "0:<r> \n ", "-:b"}));
  // What the token before has swallowed is gone.
  EXPECT_EQ(split({left, right}, "<r>  <l>"), (Sections{"1:<r>  ", "0:<l>"}));
}

TEST(AddedTokens, SingleWordStandsAlone) {
  const AddedToken word{.content = "word", .single_word = true};
  EXPECT_EQ(split({word}, "word"), (Sections{"0:word"}));
  EXPECT_EQ(split({word}, "a word."), (Sections{"-:a ", "0:word", "-:."}));
  EXPECT_EQ(split({word}, "sword"), (Sections{"-:sword"}));
  EXPECT_EQ(split({word}, "word\xC3\xA9"), (Sections{"-:word\xC3\xA9"}));
  EXPECT_EQ(split({word}, "_word"), (Sections{"-:_word"}));
}

TEST(AddedTokens, NormalisedTokensMatchAfterTheNormaliser) {
  auto file = testing::tiny_bpe({"a", "b", "B"});
  file["normalizer"] = {{"type", "Lowercase"}};
  auto low = testing::added(3, "YES", false);
  low["normalized"] = true;
  file["added_tokens"] = {low, testing::added(2, "B", false)};
  const auto t = testing::make(file);
  EXPECT_EQ(t.encode("aYesA", false), (Ids{0, 3, 0}));
  EXPECT_EQ(t.encode("Bb", false), (Ids{2, 1}));
}

}  // namespace
}  // namespace veer
