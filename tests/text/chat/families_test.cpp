// SPDX-License-Identifier: MIT
//
// Prompt, answer and end of turn in the manner of every family that Veer
// runs (tests/text/templates).
#include <algorithm>
#include <filesystem>
#include <map>

#include <gtest/gtest.h>

#include "text/tokenizer/fixtures.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/text/chat/chat_format.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using Chat = std::vector<ChatMessage>;

const fs::path kFolder = "tests/text/templates";

// Single bytes, and every marker of the families as one special token.
Tokenizer tokenizer() {
  auto file = testing::as_llama3(testing::tiny_bpe(testing::byte_tokens()));
  std::int32_t id = 256;
  Json added = Json::array();
  for (const char* token :
       {"<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>",
        "<|end_header_id|>", "<|eot_id|>", "<start_of_turn>", "<end_of_turn>",
        "<|user|>", "<|assistant|>", "<|system|>", "<|end|>", "[INST]",
        "[/INST]"}) {
    added.push_back(testing::added(id++, token));
  }
  file["added_tokens"] = added;
  return testing::make(file);
}

// The token that ends a turn of each family.
const std::map<std::string, std::string> kEnds = {
    {"llama2", "</s>"},          {"llama3", "<|eot_id|>"},
    {"qwen2", "<|im_end|>"},     {"qwen3", "<|im_end|>"},
    {"mistral", "</s>"},         {"gemma2", "<end_of_turn>"},
    {"gemma3", "<end_of_turn>"}, {"phi3", "<|end|>"},
    {"phi4", "<|end|>"},         {"smollm", "<|im_end|>"},
    {"smollm3", "<|im_end|>"},   {"olmo2", "</s>"}};

class Families : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kFolder)) {
      GTEST_SKIP() << "no " << kFolder << " here; run from the source tree";
    }
  }

  static ChatFormat format(const std::string& family) {
    const Tokenizer t = tokenizer();
    return ChatFormat::from_parts(t, read_file(kFolder / (family + ".jinja")),
                                  "<s>", "</s>",
                                  {t.id(kEnds.at(family)).value()});
  }

  static std::string text(const ChatFormat& format, const EncodedChat& chat,
                          std::int64_t begin, std::int64_t end) {
    return format.tokenizer().decode(
        std::span(chat.ids).subspan(static_cast<std::size_t>(begin),
                                    static_cast<std::size_t>(end - begin)),
        /*skip_special=*/false);
  }
};

TEST_F(Families, AllTemplatesAreTried) {
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".jinja") {
      EXPECT_TRUE(kEnds.contains(entry.path().stem().string())) << entry;
    }
  }
}

TEST_F(Families, AnswerAndEndOfTurnAreFound) {
  const Chat prompts[] = {
      {{"user", "Is it so?"}},
      {{"system", "Be brief."}, {"user", "Is it so?"}},
      {{"user", "One?"}, {"assistant", "First."}, {"user", "Two?"}}};
  for (const auto& [family, end] : kEnds) {
    const auto f = format(family);
    for (const Chat& prompt : prompts) {
      for (const char* answer : {"Yes, it is.", "Is it so?", "a\nb", "user"}) {
        Chat chat = prompt;
        chat.push_back({"assistant", answer});
        const auto made = f.encode(chat);
        const std::string what = family + ": " + answer;
        EXPECT_EQ(text(f, made, made.answer_begin, made.answer_end), answer)
            << what;
        ASSERT_LT(made.answer_end, static_cast<std::int64_t>(made.ids.size()))
            << what;
        const auto last = text(f, made, made.answer_end,
                               static_cast<std::int64_t>(made.ids.size()));
        // A {% generation %} block may hold the line end behind it.
        EXPECT_TRUE(last == end || last == " " + end || last == end + "\n")
            << what << last;
        // Training begins where answers do.
        const auto alone = f.encode_answer_prompt(prompt);
        ASSERT_EQ(alone.prompt_length, made.prompt_length) << what;
        EXPECT_TRUE(std::ranges::equal(
            alone.ids, std::span(made.ids).first(alone.ids.size())))
            << what;
      }
    }
  }
}

TEST_F(Families, SystemTextReachesEveryFamily) {
  for (const auto& [family, end] : kEnds) {
    const auto f = format(family);
    EXPECT_EQ(f.folds_system(), family == "gemma2") << family;
    const auto made =
        f.encode_prompt(Chat{{"system", "Be brief."}, {"user", "Is it?"}});
    std::map<TokenRole, std::string> by_role;
    for (std::size_t i = 0; i < made.ids.size(); ++i) {
      by_role[made.roles[i]] += text(f, made, static_cast<std::int64_t>(i),
                                     static_cast<std::int64_t>(i + 1));
    }
    EXPECT_EQ(by_role[TokenRole::kSystem], "Be brief.") << family;
    EXPECT_EQ(by_role[TokenRole::kQuestion], "Is it?") << family;
    EXPECT_EQ(by_role[TokenRole::kAnswer], "") << family;
  }
}

}  // namespace
}  // namespace veer
