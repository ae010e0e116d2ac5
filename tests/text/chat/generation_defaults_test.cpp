// SPDX-License-Identifier: MIT
#include "veer/text/chat/generation_defaults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "text/tokenizer/fixtures.h"
#include "veer/base/error.h"
#include "veer/text/chat/chat_format.h"

namespace veer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

GenerationDefaults read(const Json& config) {
  return read_generation_defaults(config, "folder/generation_config.json");
}

TEST(GenerationDefaults, APenaltyIsFollowed) {
  EXPECT_EQ(read(Json::object()).repetition_penalty, 1.0);
  EXPECT_EQ(read({{"repetition_penalty", nullptr}}).repetition_penalty, 1.0);
  EXPECT_EQ(read({{"repetition_penalty", 1.3}}).repetition_penalty, 1.3);
  EXPECT_THAT(read({{"repetition_penalty", 1.3}}).notes, IsEmpty());
}

TEST(GenerationDefaults, NeutralValuesSayNothing) {
  EXPECT_THAT(read({{"num_beams", 1},
                    {"no_repeat_ngram_size", 0},
                    {"bad_words_ids", nullptr},
                    {"suppress_tokens", Json::array()},
                    {"min_length", 0},
                    {"do_sample", false},
                    {"temperature", 0.7},
                    {"max_length", 20},
                    {"eos_token_id", 3}})
                  .notes,
              IsEmpty());
}

TEST(GenerationDefaults, WhatIsNotFollowedIsNamed) {
  const auto notes = read({{"num_beams", 4},
                           {"forced_eos_token_id", 0},
                           {"bad_words_ids", {{1}, {2}}},
                           {"do_sample", true},
                           {"temperature", 0.6},
                           {"top_p", 0.9},
                           {"top_k", 50}})
                         .notes;
  EXPECT_THAT(
      notes,
      ElementsAre(
          "generation_config.json asks for bad_words_ids [[1],[2]], "
          "forced_eos_token_id 0, num_beams 4 when text is generated; Veer "
          "does not follow these keys",
          "generation_config.json asks for sampling with temperature 0.6, "
          "top_p 0.9, top_k 50; Veer answers greedily unless a temperature is "
          "set"));
}

TEST(GenerationDefaults, RefusesAPenaltyThatIsNone) {
  for (const Json& bad : {Json(0), Json(-1.5), Json("1.3")}) {
    EXPECT_THROW(read({{"repetition_penalty", bad}}), Error);
  }
}

ChatFormat from(const ChatFormatFiles& files, double chosen = 0.0) {
  return ChatFormat::from_files(
      testing::make(testing::tiny_bpe({"a", "b", "c"})), files, "folder",
      {.repetition_penalty = chosen});
}

TEST(GenerationDefaults, AChatFormatTakesThemUnlessTheUserChooses) {
  const ChatFormatFiles files{.generation_config =
                                  R"({"repetition_penalty": 1.2})"};
  EXPECT_EQ(from(files).repetition_penalty(), 1.2);
  EXPECT_THAT(from(files).notes()[0], HasSubstr("repetition penalty of 1.2"));
  EXPECT_EQ(from(files, 1.0).repetition_penalty(), 1.0);
  EXPECT_EQ(from({}).repetition_penalty(), 1.0);
  EXPECT_EQ(from({}, 1.5).repetition_penalty(), 1.5);
  EXPECT_NE(from(files).fingerprint(), from({}).fingerprint());
  EXPECT_EQ(from(files, 1.0).fingerprint(), from({}).fingerprint());
}

TEST(GenerationDefaults, ConfigJsonCountsWhereThereIsNoOtherFile) {
  EXPECT_EQ(
      from({.config = R"({"repetition_penalty": 1.2})"}).repetition_penalty(),
      1.2);
  EXPECT_EQ(from({.generation_config = "{}",
                  .config = R"({"repetition_penalty": 1.2})"})
                .repetition_penalty(),
            1.0);
}

TEST(GenerationDefaults, TokensBeyondTheVocabularyAreTold) {
  EXPECT_THAT(from({.config = R"({"vocab_size": 2})"}).notes()[0],
              HasSubstr("1 token of the tokenizer (c) lie beyond the model's 2 "
                        "embeddings"));
  const auto roomy = from({.config = R"({"vocab_size": 3})"});
  for (const auto& note : roomy.notes()) {
    EXPECT_THAT(note, ::testing::Not(HasSubstr("embeddings")));
  }
}

}  // namespace
}  // namespace veer
