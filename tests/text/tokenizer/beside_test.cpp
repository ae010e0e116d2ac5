// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/beside.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "text/tokenizer/fixtures.h"
#include "veer/base/error.h"

namespace veer {
namespace {

using testing::added;
using ::testing::HasSubstr;
using testing::Ids;

// Bytes 0..255, then "<s>" 256 and "<e>" 257 as special tokens.
Json file() {
  Json out = testing::tiny_bpe(testing::byte_tokens());
  out["pre_tokenizer"] = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  out["decoder"] = {{"type", "ByteLevel"}};
  out["added_tokens"] = {added(256, "<s>"), added(257, "<e>")};
  return out;
}

Tokenizer with(const TokenizerBesideFiles& files, const Json& tree = file()) {
  TokenizerBesideFiles named = files;
  named.folder = "folder";
  return Tokenizer::from_json(tree.dump(), "folder/tokenizer.json", named);
}

TokenizerBesideFiles config(const Json& value) {
  return {.tokenizer_config = value.dump()};
}

std::string refusal(const TokenizerBesideFiles& files) {
  try {
    with(files);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

// Ids as AutoTokenizer of transformers 5.24 gives them.
TEST(TokenizerBeside, TokensOfTheDecoderComeInTheOrderOfTheirNumbers) {
  const auto t =
      with(config({{"added_tokens_decoder",
                    {{"300", {{"content", "<b>"}, {"special", true}}},
                     {"270", {{"content", "<a>"}, {"special", false}}}}}}));
  EXPECT_EQ(t.encode("x<b><a><s>", false), (Ids{'x', 259, 258, 256}));
  EXPECT_TRUE(t.is_special(259));
  EXPECT_FALSE(t.is_special(258));
  ASSERT_EQ(t.notes().size(), 2U);
  EXPECT_THAT(t.notes()[0], HasSubstr("'<a>' the id 270, but its place gives"));
}

TEST(TokenizerBeside, SpecialTokensFollowInTheOrderOfTheirKeys) {
  const auto t = with(config({{"extra_special_tokens", {"<x>", "<e>", "<y>"}},
                              {"image_token", "<i>"},
                              {"pad_token", "<p>"},
                              {"eos_token", "<n>"}}));
  // eos, pad, then the model's own, then the list; "<e>" is there already.
  EXPECT_EQ(t.encode("<n><p><i><x><e><y>", false),
            (Ids{258, 259, 260, 261, 257, 262}));
  EXPECT_EQ(t.decode(Ids{258, 'a', 262}, /*skip_special=*/true), "a");
  EXPECT_TRUE(t.notes().empty());
}

TEST(TokenizerBeside, ExtraTokensMayBeADictAndTheOlderKeyCountsWithoutThem) {
  EXPECT_EQ(with(config({{"extra_special_tokens", {{"audio_token", "<au>"}}}}))
                .encode("<au>", false),
            (Ids{258}));
  EXPECT_EQ(with(config({{"additional_special_tokens", {"<q>"}}}))
                .encode("<q>", false),
            (Ids{258}));
  EXPECT_EQ(with(config({{"additional_special_tokens", {"<q>"}},
                         {"extra_special_tokens", {"<r>"}}}))
                .encode("<r>q", false),
            (Ids{258, 'q'}));
}

TEST(TokenizerBeside, OlderFilesCountOnlyWithoutADecoder) {
  TokenizerBesideFiles files;
  files.special_tokens_map =
      R"({"pad_token": {"content": "<p>", "lstrip": true},
          "extra_special_tokens": ["<m>"]})";
  files.added_tokens = R"({"<m>": 258, "word": 259})";
  const auto t = with(files);
  EXPECT_EQ(t.encode("a <p>word<m>", false), (Ids{'a', 260, 259, 258}));
  EXPECT_TRUE(t.is_special(258));
  EXPECT_FALSE(t.is_special(259));
  files.tokenizer_config = R"({"added_tokens_decoder": {}})";
  EXPECT_EQ(with(files).size(), 258);
}

TEST(TokenizerBeside, FlagsOfKnownTokensAreOverridden) {
  const auto t = with(config(
      {{"added_tokens_decoder",
        {{"256",
          {{"content", "<s>"}, {"lstrip", true}, {"special", false}}}}}}));
  EXPECT_EQ(t.encode("a <s>", false), (Ids{'a', 256}));
  EXPECT_TRUE(t.is_special(256));  // once special, always
  EXPECT_EQ(t.size(), 258);
}

TEST(TokenizerBeside, PaddingNamesAPadTokenWhereNothingElseDoes) {
  Json tree = file();
  tree["padding"] = {{"pad_token", "<pad>"}, {"pad_id", 0}};
  EXPECT_EQ(with({}, tree).encode("<pad>", false), (Ids{258}));
  EXPECT_EQ(with(config({{"pad_token", nullptr}}), tree).size(), 258);
}

TEST(TokenizerBeside, SpecialTokensMayBeLetters) {
  const auto t = with(config({{"split_special_tokens", true}}));
  EXPECT_EQ(t.encode("<s>", false), (Ids{'<', 's', '>'}));
}

TEST(TokenizerBeside, TheFingerprintChangesOnlyWithTheTokens) {
  const auto alone = Tokenizer::from_json(file().dump(), "x").fingerprint();
  EXPECT_EQ(with(config({{"bos_token", "<s>"}, {"model_max_length", 9}}))
                .fingerprint(),
            alone);
  EXPECT_NE(with(config({{"bos_token", "<new>"}})).fingerprint(), alone);
  EXPECT_NE(with(config({{"split_special_tokens", true}})).fingerprint(),
            alone);
}

TEST(TokenizerBeside, RefusesWhatItCannotReadByFileAndKey) {
  EXPECT_THAT(refusal({.tokenizer_config = "[]"}),
              HasSubstr("folder/tokenizer_config.json"));
  EXPECT_THAT(refusal({.special_tokens_map = "{"}),
              HasSubstr("special_tokens_map.json"));
  EXPECT_THAT(refusal({.added_tokens = R"({"<x>": "7"})"}),
              HasSubstr("added_tokens.json: '<x>' has no id"));
  EXPECT_THAT(refusal(config({{"eos_token", 7}})), HasSubstr("eos_token"));
  EXPECT_THAT(refusal(config({{"added_tokens_decoder", {{"x", "y"}}}})),
              HasSubstr("added_tokens_decoder"));
  EXPECT_THAT(refusal(config({{"extra_special_tokens", "<x>"}})),
              HasSubstr("extra_special_tokens"));
}

}  // namespace
}  // namespace veer
