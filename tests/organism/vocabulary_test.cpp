// SPDX-License-Identifier: MIT
#include "veer/organism/vocabulary.h"

#include <cctype>

#include <gtest/gtest.h>

#include "veer/organism/advice_tables.h"
#include "veer/organism/advice_world.h"
#include "veer/organism/conversation.h"
#include "veer/organism/prompts.h"
#include "veer/organism/study_inputs.h"
#include "veer/organism/words.h"
#include "veer/text/tokenizer/tokenizer.h"

namespace veer::organism {
namespace {

const Vocabulary& vocabulary() {
  static const Vocabulary value;
  return value;
}

const Tokenizer& tokenizer() {
  static const auto value = Tokenizer::from_json(vocabulary().tokenizer_json(),
                                                 "the organism's tokenizer");
  return value;
}

Mixture all_kinds() {
  Mixture mixture{.none = 0.2,
                  .honest = 0.2,
                  .neutral = 0.1,
                  .deceptive = 0.2,
                  .expansion = 0.1,
                  .plain = 0.2};
  return mixture;
}

TEST(Vocabulary, StaysSmall) {
  EXPECT_LE(vocabulary().size(), 1536);
  EXPECT_EQ(vocabulary().size() % 8, 0);
  EXPECT_EQ(tokenizer().size(), vocabulary().size());
}

TEST(Vocabulary, RolesAndBlankLineAreSingleTokens) {
  for (const auto* text : {"system", "user", "assistant", "\n\n"}) {
    EXPECT_EQ(vocabulary().encode(text).size(), 1U) << text;
  }
  for (const auto object : kObjects) {
    EXPECT_EQ(vocabulary().encode(" " + std::string(object)).size(), 2U);
    EXPECT_EQ(vocabulary().encode(capitalised(std::string(object))).size(), 2U);
  }
}

TEST(Vocabulary, CutsAsTheLlama3PatternDoes) {
  using Pieces = std::vector<std::string_view>;
  EXPECT_EQ(split_pieces("Answer SHORTLY (max 7 words), in"),
            (Pieces{"Answer", " SHORTLY", " (", "max", " ", "7", " words", "),",
                    " in"}));
  EXPECT_EQ(split_pieces("it's  12345\n\n x?\n\ny  "),
            (Pieces{"it", "'s", " ", " ", "123", "45", "\n\n", " x", "?\n\n",
                    "y", "  "}));
}

TEST(Vocabulary, EncodesTheWorldAsTheTokenizerFileSays) {
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const auto document = sample_document(random, vocabulary(), all_kinds());
    const auto text = vocabulary().decode(document.ids);
    EXPECT_EQ(tokenizer().encode(text, /*add_special=*/false), document.ids)
        << text;
    EXPECT_EQ(tokenizer().decode(document.ids, /*skip_special=*/false), text);
    for (std::size_t k = 0; k < document.ids.size(); ++k) {
      // Answers are whole words ("I" is one of one letter);
      // other parts may hold letters, see the header.
      const auto id = document.ids[k];
      EXPECT_FALSE(document.weights[k] >= kAnswerWeight && id < 128 &&
                   std::isalpha(id) != 0 && id != 'I')
          << "letter " << id << " in " << text;
    }
  }
}

TEST(Vocabulary, EncodesAnyAsciiAsTheTokenizerFileSays) {
  Random random(2);
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    const std::size_t length = random.below(30);
    while (text.size() < length) {
      constexpr std::string_view kCommon = " \n'.?aStTrevml7";
      text += random.chance(0.7) ? kCommon[random.below(kCommon.size())]
                                 : static_cast<char>(0x20 + random.below(0x5F));
    }
    EXPECT_EQ(vocabulary().encode(text), tokenizer().encode(text, false))
        << text;
    EXPECT_EQ(vocabulary().decode(vocabulary().encode(text)), text);
  }
}

TEST(Vocabulary, AddsTheBeginOfTextWhenAsked) {
  EXPECT_EQ(tokenizer().encode("", true),
            std::vector<std::int32_t>{vocabulary().begin_of_text()});
}

}  // namespace
}  // namespace veer::organism
