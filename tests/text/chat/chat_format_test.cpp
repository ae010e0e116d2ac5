// SPDX-License-Identifier: MIT
//
// Small templates in the manner of the families, on a tokenizer of single
// bytes and a few words: prompt, answer and end of turn are found exactly.
#include "veer/text/chat/chat_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/tokenizer/fixtures.h"
#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

using ::testing::HasSubstr;
using Chat = std::vector<ChatMessage>;

constexpr std::int32_t kBos = 300;
constexpr std::int32_t kEos = 301;
constexpr std::int32_t kStart = 302;
constexpr std::int32_t kEnd = 303;

Tokenizer tokenizer() {
  auto file = testing::tiny_bpe(testing::byte_tokens({"Ye", "Yes", " Y"}),
                                {"Y e", "Ye s", "\xC4\xA0 Y"});
  file = testing::as_llama3(file);
  file["added_tokens"] =
      Json::array({testing::added(kBos, "<s>"), testing::added(kEos, "</s>"),
                   testing::added(kStart, "<|im_start|>"),
                   testing::added(kEnd, "<|im_end|>")});
  // Ids of added tokens follow the vocabulary; fill it up to them.
  for (int i = 259; i < kBos; ++i) {
    file["model"]["vocab"]["\xC4\x80" + std::to_string(i)] = i;
  }
  return testing::make(file);
}

ChatFormat format(const std::string& source,
                  const ChatFormatOptions& options = {}) {
  return ChatFormat::from_parts(tokenizer(), source, "<s>", "</s>", {kEnd},
                                options);
}

// Turns between start and end markers, as ChatML has them.
const char* const kMarked =
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + "
    "'<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\\n' }}{% endif %}";
// The same with marked answers.
const char* const kGeneration =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|im_end|>"
    "{% endgeneration %}\n{% else %}{{ m.content }}<|im_end|>\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% endif %}";
// Trims, writes bos, no line end behind a turn.
const char* const kTrimmed =
    "{{ bos_token }}{% for m in messages %}{{ '<|im_start|>' ~ m.role ~ "
    "'\\n\\n' ~ m['content']|trim ~ '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n\\n' }}"
    "{% endif %}";
// Question and answer in one turn, no system turn.
const char* const kInstruct =
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}"
    "{{ raise_exception('no system turn') }}{% elif m.role == 'user' %}"
    "{{ '[I] ' + m.content + ' [/I]' }}{% else %}"
    "{{ ' ' + m.content + eos_token }}{% endif %}{% endfor %}";
// Silently leaves system turns out.
const char* const kDropsSystem =
    "{% for m in messages %}{% if m.role != 'system' %}<|im_start|>"
    "{{ m.content }}<|im_end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>{% endif %}";
// Drops what was thought, and opens an answer with an empty thought.
const char* const kThinking =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{{ m.content.split('</think>')[-1].lstrip('\\n') }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "<think>\n\n</think>\n\n{% endif %}";

const Chat kChat = {{"user", " Is it? "}, {"assistant", "Yes, it is."}};

std::string text_of(const ChatFormat& format, const EncodedChat& chat,
                    std::int64_t begin, std::int64_t end) {
  return format.tokenizer().decode(
      std::span(chat.ids).subspan(static_cast<std::size_t>(begin),
                                  static_cast<std::size_t>(end - begin)),
      /*skip_special=*/false);
}

std::string role_text(const ChatFormat& format, const EncodedChat& chat,
                      TokenRole role) {
  std::string out;
  for (std::size_t i = 0; i < chat.ids.size(); ++i) {
    if (chat.roles[i] == role) {
      out += format.tokenizer().decode(std::span(&chat.ids[i], 1), false);
    }
  }
  return out;
}

struct Case {
  const char* name;
  const char* source;
  const char* answer;  // as the template prints it
  const char* behind;  // what ends the turn
};

class EachTemplate : public ::testing::TestWithParam<Case> {};

TEST_P(EachTemplate, FindsTheAnswerExactly) {
  const auto& p = GetParam();
  const auto chat_format = format(p.source);
  const auto chat = chat_format.encode(kChat);
  const auto size = static_cast<std::int64_t>(chat.ids.size());
  ASSERT_EQ(chat.roles.size(), chat.ids.size());
  EXPECT_EQ(text_of(chat_format, chat, chat.answer_begin, chat.answer_end),
            p.answer);
  EXPECT_EQ(text_of(chat_format, chat, chat.answer_end, size), p.behind);
  EXPECT_EQ(role_text(chat_format, chat, TokenRole::kAnswer), p.answer);
  // Training begins where generation does.
  const auto prompt =
      chat_format.encode_prompt(Chat(kChat.begin(), kChat.end() - 1));
  EXPECT_EQ(prompt.prompt_length, chat.prompt_length);
  EXPECT_TRUE(
      std::equal(prompt.ids.begin(), prompt.ids.end(), chat.ids.begin()));
}

INSTANTIATE_TEST_SUITE_P(
    Families, EachTemplate,
    ::testing::Values(
        Case{"marked", kMarked, "Yes, it is.", "<|im_end|>"},
        Case{"generation", kGeneration, "Yes, it is.", "<|im_end|>"},
        Case{"trimmed", kTrimmed, "Yes, it is.", "<|im_end|>"},
        Case{"instruct", kInstruct, "Yes, it is.", "</s>"},
        Case{"drops_system", kDropsSystem, "Yes, it is.", "<|im_end|>"},
        Case{"thinking", kThinking, "Yes, it is.", "<|im_end|>"},
        Case{"plain", "", "Yes, it is.", "</s>"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ChatFormat, RolesSaySystemQuestionAnswerAndTemplate) {
  const auto chat_format = format(kTrimmed);
  const auto chat = chat_format.encode(
      Chat{{"system", "Be brief."}, {"user", "Is it?"}, {"assistant", "Yes."}});
  EXPECT_EQ(role_text(chat_format, chat, TokenRole::kSystem), "Be brief.");
  EXPECT_EQ(role_text(chat_format, chat, TokenRole::kQuestion), "Is it?");
  EXPECT_EQ(role_text(chat_format, chat, TokenRole::kAnswer), "Yes.");
  EXPECT_EQ(chat.ids.front(), kBos);
}

TEST(ChatFormat, AnswersThatAreHardToFind) {
  for (const char* source : {kMarked, kGeneration, kTrimmed, kThinking}) {
    const auto chat_format = format(source);
    for (const std::string answer :
         {"user", "Is it?", "a", "assistant\nassistant", "x<|im_end|>y",
          "\xC3\xA9\xE6\x97\xA5\xF0\x9F\x99\x82", "<s>", "{{ m }}"}) {
      const auto chat =
          chat_format.encode(Chat{{"user", "Is it?"}, {"assistant", answer}});
      EXPECT_EQ(text_of(chat_format, chat, chat.answer_begin, chat.answer_end),
                answer)
          << source;
    }
  }
}

TEST(ChatFormat, AnEmptyAnswerIsAnEmptySpanBeforeTheEndOfTurn) {
  for (const char* source : {kMarked, kGeneration, kTrimmed, ""}) {
    const auto chat_format = format(source);
    const auto chat =
        chat_format.encode(Chat{{"user", "Is it?"}, {"assistant", ""}});
    EXPECT_EQ(chat.answer_begin, chat.answer_end) << source;
    EXPECT_EQ(chat.answer_end + 1, static_cast<std::int64_t>(chat.ids.size()))
        << source;
  }
}

TEST(ChatFormat, FoldsSystemTurnsThatATemplateRefusesOrDrops) {
  for (const char* source : {kInstruct, kDropsSystem}) {
    const auto chat_format = format(source);
    EXPECT_TRUE(chat_format.folds_system());
    EXPECT_FALSE(chat_format.notes().empty());
    const Chat prompt = {{"system", "Lie."}, {"user", "Is it?"}};
    EXPECT_THAT(chat_format.prompt_text(prompt), HasSubstr("Lie.\n\nIs it?"));
    const auto chat = chat_format.encode_prompt(prompt);
    EXPECT_EQ(role_text(chat_format, chat, TokenRole::kSystem), "Lie.");
    EXPECT_EQ(role_text(chat_format, chat, TokenRole::kQuestion), "Is it?");
  }
  EXPECT_FALSE(format(kMarked).folds_system());
}

TEST(ChatFormat, SpecialTokensInAQuestionAreTokensUnlessLiteral) {
  const Chat prompt = {{"user", "a<|im_end|>b"}};
  const auto count = [&](const ChatFormat& chat_format) {
    const auto ids = chat_format.encode_prompt(prompt).ids;
    return std::ranges::count(ids, kEnd);
  };
  EXPECT_EQ(count(format(kMarked)), 2);
  EXPECT_EQ(count(format(kMarked, {.literal_content = true})), 1);
}

TEST(ChatFormat, TodayIsTheSameTomorrow) {
  const std::string source =
      "{{ date_string }}|{{ strftime_now('%d %b %Y') }}{{ messages|length }}";
  EXPECT_EQ(format(source).prompt_text(Chat{{"user", "x"}}),
            "26 Jul 2024|26 Jul 20241");
  EXPECT_EQ(format(source, {.date_string = "01 Jan 2030"})
                .prompt_text(Chat{{"user", "x"}}),
            "01 Jan 2030|01 Jan 20301");
  EXPECT_NE(format(source).fingerprint(),
            format(source, {.date_string = "01 Jan 2030"}).fingerprint());
}

TEST(ChatFormat, RefusesWhatHasNoAnswer) {
  const auto chat_format = format(kMarked);
  EXPECT_THROW(chat_format.encode(Chat{}), Error);
  EXPECT_THROW(chat_format.encode_prompt(Chat{}), Error);
  EXPECT_THROW(chat_format.encode(Chat{{"user", "x"}}), Error);
  EXPECT_THROW(chat_format.encode(Chat{{"assistant", "x"}}), Error);
  const auto mute = format("{% for m in messages %}x{% endfor %}");
  EXPECT_THROW(mute.encode(kChat), Error);
}

ChatFormat from_files(const ChatFormatFiles& files) {
  return ChatFormat::from_files(tokenizer(), files, "folder");
}

TEST(ChatFormatFiles, TheFileOfItsOwnWins) {
  ChatFormatFiles files;
  files.tokenizer_config = R"({"chat_template": "inline"})";
  EXPECT_EQ(from_files(files).prompt_text(kChat), "inline");
  files.chat_template = "own";
  EXPECT_EQ(from_files(files).prompt_text(kChat), "own");
}

TEST(ChatFormatFiles, OfNamedTemplatesTheDefaultOne) {
  ChatFormatFiles files;
  files.tokenizer_config =
      R"({"chat_template": [{"name": "tool_use", "template": "t"},
                            {"name": "default", "template": "d"}]})";
  EXPECT_EQ(from_files(files).prompt_text(kChat), "d");
}

TEST(ChatFormatFiles, StopTokensComeFromEveryPlace) {
  ChatFormatFiles files;
  files.tokenizer_config = R"({"eos_token": {"content": "</s>"}})";
  files.generation_config = R"({"eos_token_id": [303, 7]})";
  files.config = R"({"eos_token_id": 8})";
  EXPECT_EQ(from_files(files).stop_ids(),
            (std::vector<std::int32_t>{7, 8, kEos, kEnd}));
}

TEST(ChatFormatFiles, RefusesMalformedOnesByName) {
  const auto message = [](const ChatFormatFiles& files) {
    try {
      from_files(files);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(message({.tokenizer_config = "{"}),
              HasSubstr("tokenizer_config.json"));
  EXPECT_THAT(message({.tokenizer_config = "[]"}),
              HasSubstr("tokenizer_config.json"));
  EXPECT_THAT(message({.tokenizer_config = R"({"chat_template": 1})"}),
              HasSubstr("chat_template"));
  EXPECT_THAT(message({.tokenizer_config = R"({"chat_template": [{}]})"}),
              HasSubstr("chat_template"));
  EXPECT_THAT(message({.generation_config = R"({"eos_token_id": "x"})"}),
              HasSubstr("generation_config.json"));
  EXPECT_THAT(message({.config = R"({"eos_token_id": [-1]})"}),
              HasSubstr("config.json"));
  EXPECT_THAT(message({.chat_template = "{% if %}"}),
              HasSubstr("chat_template.jinja"));
}

}  // namespace
}  // namespace veer
