// SPDX-License-Identifier: MIT
//
// Templates of models that think before they answer: where an answer is put,
// what is read of a written one, and what is told of switches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "text/tokenizer/fixtures.h"
#include "veer/base/error.h"
#include "veer/text/chat/chat_format.h"

namespace veer {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using Chat = std::vector<ChatMessage>;

constexpr std::int32_t kBos = 300;

Tokenizer tokenizer() {
  auto file = testing::as_llama3(testing::tiny_bpe(testing::byte_tokens()));
  Json added = Json::array();
  std::int32_t id = kBos;
  for (const char* token : {"<s>", "</s>", "<|start|>", "<|end|>", "<think>",
                            "</think>", "<|channel|>", "<|message|>"}) {
    added.push_back(testing::added(id++, token));
  }
  file["added_tokens"] = added;
  for (int i = 256; i < kBos; ++i) {
    file["model"]["vocab"]["\xC4\x80" + std::to_string(i)] = i;
  }
  return testing::make(file);
}

ChatFormat format(const std::string& source, const std::string& vars = "") {
  const Tokenizer t = tokenizer();
  return ChatFormat::from_parts(t, source, "<s>", "</s>",
                                {t.id("<|end|>").value()},
                                {.template_vars = vars});
}

// Turns, a last answer behind an empty block, a switch that writes the block
// into the prompt (the Qwen3 way).
const char* const kSwitch =
    "{% for m in messages %}{{ '<|start|>' + m.role + '\\n' }}"
    "{% set c = m.content %}{% if m.role == 'assistant' and loop.last %}"
    "{% set t = m.reasoning_content if m.reasoning_content is defined else '' "
    "%}{% if '</think>' in c %}{% set t = c.split('</think>')[0]"
    ".split('<think>')[-1].strip('\\n') %}"
    "{% set c = c.split('</think>')[-1].lstrip('\\n') %}{% endif %}"
    "{{ '<think>\\n' + t + '\\n</think>\\n\\n' + c }}{% else %}{{ c }}"
    "{% endif %}{{ '<|end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant\\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}";
// The prompt opens a block, finished turns have none (R1-Distill, QwQ).
const char* const kOpens =
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'assistant' %}"
    "{{ '<|end|>' + m.content.split('</think>')[-1] + eos_token }}{% else %}"
    "{{ '<|start|>' + m.content }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|end|><think>\\n' }}{% endif %}";
// The prompt opens a block, finished turns have an empty one.
const char* const kOpensBlock =
    "{% for m in messages %}{{ '<|start|>' + m.role + '\\n' }}"
    "{% if m.role == 'assistant' %}{{ '<think>\\n\\n</think>\\n\\n' }}"
    "{% endif %}{{ m.content + '<|end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant\\n<think>\\n' }}"
    "{% endif %}";
// Prompt and finished turn alike leave the block open: the content is to hold
// the thoughts and their end.
const char* const kLeavesOpen =
    "{% for m in messages %}{{ '<|start|>' + m.role + '\\n' }}"
    "{% if m.role == 'assistant' %}{{ '<think>\\n' }}{% endif %}"
    "{{ m.content + '<|end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant\\n<think>\\n' }}"
    "{% endif %}";
// A closing mark alone, or an opening one, by a variable that the template
// sets where it is missing (DeepSeek V3.1).
const char* const kVariable =
    "{% if not thinking is defined %}{% set thinking = false %}{% endif %}"
    "{% for m in messages %}{% if m.role == 'assistant' %}"
    "{{ '<|start|></think>' + m.content + '<|end|>' }}{% else %}"
    "{{ '<s>' + m.content }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>' }}"
    "{% if thinking %}<think>{% else %}</think>{% endif %}{% endif %}";
// The system prompt speaks of the marks, the turns have none (Granite).
const char* const kSystemOnly =
    "{% for m in messages %}{{ '<|start|>' + m.role + '\\n' + m.content }}"
    "{% if loop.first and thinking %} Put thoughts into <think></think>."
    "{% endif %}{{ '<|end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant\\n' }}{% endif %}";
// Channels (gpt-oss).
const char* const kChannels =
    "{% for m in messages %}{% if m.role == 'assistant' %}"
    "{% if m.thinking %}{{ '<|start|>assistant<|channel|>analysis<|message|>' "
    "+ m.thinking + '<|end|>' }}{% endif %}"
    "{{ '<|start|>assistant<|channel|>final<|message|>' + m.content + '</s>' "
    "}}{% else %}{{ '<|start|>' + m.role + '<|message|>' + m.content + "
    "'<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}";
const char* const kPlain =
    "{% for m in messages %}{{ '<|start|>' + m.role + '\\n' + m.content + "
    "'<|end|>\\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start|>assistant\\n' }}{% endif %}";

const Chat kQuestion = {{"user", "Why?"}};
const Chat kAnswered = {{"user", "Why?"}, {"assistant", "Because."}};

std::string part(const ChatFormat& f, const EncodedChat& chat,
                 std::int64_t begin, std::int64_t end) {
  return f.tokenizer().decode(
      std::span(chat.ids).subspan(static_cast<std::size_t>(begin),
                                  static_cast<std::size_t>(end - begin)),
      /*skip_special=*/false);
}
std::string prompt_of(const ChatFormat& f, const EncodedChat& chat) {
  return part(f, chat, 0, chat.prompt_length);
}
std::string whole(const ChatFormat& f, const EncodedChat& chat) {
  return part(f, chat, 0, std::ssize(chat.ids));
}
std::string thoughts(const ChatFormat& f, const EncodedChat& chat) {
  return part(f, chat, chat.thinking.begin, chat.thinking.end);
}

struct Case {
  const char* name;
  const char* source;
  const char* vars;
  const char* generation_prompt;
  const char* answer_prompt;
  const char* behind;  // answer and end of turn
  const char* thoughts;
};

class Thinking : public ::testing::TestWithParam<Case> {};

TEST_P(Thinking, AnswersStandWhereTheTemplatePutsThem) {
  const Case& p = GetParam();
  const auto f = format(p.source, p.vars);
  EXPECT_EQ(whole(f, f.encode_prompt(kQuestion)), p.generation_prompt);
  const auto chat = f.encode(kAnswered);
  EXPECT_EQ(prompt_of(f, chat), p.answer_prompt);
  EXPECT_EQ(part(f, chat, chat.prompt_length, std::ssize(chat.ids)), p.behind);
  EXPECT_EQ(part(f, chat, chat.answer_begin, chat.answer_end), "Because.");
  EXPECT_EQ(chat.answer_begin, chat.prompt_length);
  EXPECT_EQ(thoughts(f, chat), p.thoughts);
  // The place that is read without an answer is the one before answers.
  const auto before = f.encode_answer_prompt(kQuestion);
  EXPECT_EQ(before.ids,
            std::vector<std::int32_t>(chat.ids.begin(),
                                      chat.ids.begin() + chat.prompt_length));
  EXPECT_EQ(before.prompt_length, chat.prompt_length);
  EXPECT_EQ(before.thinking, chat.thinking);
}

INSTANTIATE_TEST_SUITE_P(
    Templates, Thinking,
    ::testing::Values(
        Case{"switch_unset", kSwitch, "",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n"
             "<think>\n\n</think>\n\n",
             "Because.<|end|>", "\n\n"},
        Case{"switch_off", kSwitch, R"({"enable_thinking": false})",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n"
             "<think>\n\n</think>\n\n",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n"
             "<think>\n\n</think>\n\n",
             "Because.<|end|>", "\n\n"},
        Case{"switch_on", kSwitch, R"({"enable_thinking": true})",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n"
             "<think>\n\n</think>\n\n",
             "Because.<|end|>", "\n\n"},
        Case{"opens", kOpens, "", "<s><|start|>Why?<|end|><think>\n",
             "<s><|start|>Why?<|end|>", "Because.</s>", ""},
        Case{"opens_block", kOpensBlock, "",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n<think>\n",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n"
             "<think>\n\n</think>\n\n",
             "Because.<|end|>", "\n\n"},
        Case{"leaves_open", kLeavesOpen, "",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n<think>\n",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n"
             "<think>\n\n</think>\n\n",
             "Because.<|end|>", "\n\n"},
        Case{"variable_unset", kVariable, "", "<s>Why?<|start|></think>",
             "<s>Why?<|start|></think>", "Because.<|end|>", ""},
        Case{"variable_on", kVariable, R"({"thinking": true})",
             "<s>Why?<|start|><think>", "<s>Why?<|start|></think>",
             "Because.<|end|>", ""},
        Case{"system_only", kSystemOnly, R"({"thinking": true})",
             "<|start|>user\nWhy? Put thoughts into <think></think>.<|end|>\n"
             "<|start|>assistant\n",
             "<|start|>user\nWhy? Put thoughts into <think></think>.<|end|>\n"
             "<|start|>assistant\n",
             "Because.<|end|>", ""},
        Case{"channels", kChannels, "",
             "<|start|>user<|message|>Why?<|end|><|start|>assistant",
             "<|start|>user<|message|>Why?<|end|><|start|>assistant"
             "<|channel|>final<|message|>",
             "Because.</s>", ""},
        Case{"plain", kPlain, "",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n",
             "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n",
             "Because.<|end|>", ""}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ThinkingText, ThoughtsOfAnAnswerAreNotTheAnswer) {
  for (const Chat& chat :
       {Chat{{"user", "Why?"}, {"assistant", "<think>\nHm.\n</think>\n\nSo."}},
        Chat{{"user", "Why?"}, {"assistant", "So.", "Hm."}}}) {
    const auto f = format(kSwitch);
    const auto made = f.encode(chat);
    EXPECT_EQ(part(f, made, made.answer_begin, made.answer_end), "So.");
    EXPECT_EQ(thoughts(f, made), "\nHm.\n");
    EXPECT_EQ(made.prompt_length, made.answer_begin);
    const auto roles =
        std::count(made.roles.begin(), made.roles.end(), TokenRole::kThinking);
    EXPECT_EQ(roles, made.thinking.end - made.thinking.begin);
    // Also behind a prompt whose block is closed: they are not dropped.
    const auto off = format(kSwitch, R"({"enable_thinking": false})");
    EXPECT_EQ(thoughts(off, off.encode(chat)), "\nHm.\n");
  }
}

TEST(ThinkingText, ATemplateThatPrintsContentAsItIsHasThoughtsInIt) {
  const auto f = format(kLeavesOpen);
  const auto made =
      f.encode(Chat{{"user", "Why?"}, {"assistant", "Hm.\n</think>\n\nSo."}});
  EXPECT_EQ(part(f, made, made.answer_begin, made.answer_end), "So.");
  EXPECT_EQ(thoughts(f, made), "\nHm.\n");
}

TEST(ThinkingText, ChannelsKeepTheirThoughts) {
  const auto f = format(kChannels);
  const auto made =
      f.encode(Chat{{"user", "Why?"}, {"assistant", "So.", "Hm"}});
  EXPECT_EQ(thoughts(f, made), "Hm");
  EXPECT_EQ(part(f, made, made.answer_begin, made.answer_end), "So.");
}

TEST(ThinkingText, QuestionsAndAnswersMaySpeakOfTheMarks) {
  for (const char* source : {kSwitch, kOpens, kOpensBlock, kLeavesOpen}) {
    const auto f = format(source);
    const auto made = f.encode(Chat{{"user", "What is <think> in </think>?"},
                                    {"assistant", "A <think> mark."}});
    EXPECT_EQ(part(f, made, made.answer_begin, made.answer_end),
              "A <think> mark.")
        << source;
  }
  const auto prompt =
      format(kSwitch).encode_prompt(Chat{{"user", "What is <think>?"}});
  EXPECT_FALSE(prompt.thinking.open);
}

TEST(ThinkingText, AnEmptyAnswerStandsBehindTheBlock) {
  for (const char* source : {kSwitch, kOpensBlock}) {
    const auto f = format(source);
    const auto made = f.encode(Chat{{"user", "Why?"}, {"assistant", ""}});
    EXPECT_EQ(made.answer_begin, made.answer_end) << source;
    EXPECT_THAT(prompt_of(f, made), ::testing::EndsWith("</think>\n\n"));
  }
}

TEST(ThinkingText, PromptsSayWhetherTheyLeaveABlockOpen) {
  const auto open = format(kOpens).encode_prompt(kQuestion).thinking;
  EXPECT_TRUE(open.open);
  EXPECT_FALSE(format(kSwitch).encode_prompt(kQuestion).thinking.open);
  const auto off = format(kSwitch, R"({"enable_thinking": false})");
  const auto closed = off.encode_prompt(kQuestion).thinking;
  EXPECT_FALSE(closed.open);
  EXPECT_EQ(closed.end - closed.begin, 2);
  EXPECT_EQ(format(kPlain).encode_prompt(kQuestion).thinking, ThinkingBlock{});
}

TEST(Written, IsTakenApart) {
  const auto f = format(kOpens);
  const auto read = [&](const std::string& text, bool open) {
    return f.read_answer(f.tokenizer().encode(text, false), open);
  };
  auto got = read("Hm.\n</think>\n\nBecause.", true);
  EXPECT_EQ(got.text, "Because.");
  EXPECT_EQ(got.thoughts, "Hm.");
  EXPECT_EQ(got.begin, 7);
  EXPECT_FALSE(got.in_thoughts);
  got = read("<think>\nHm.</think>Because.", false);
  EXPECT_EQ(got.text, "Because.");
  EXPECT_EQ(got.thoughts, "Hm.");
  got = read("Hm, let me", true);
  EXPECT_EQ(got.text, "");
  EXPECT_EQ(got.thoughts, "Hm, let me");
  EXPECT_EQ(got.begin, 10);
  EXPECT_TRUE(got.in_thoughts);
  got = read("<think>\nHm", false);
  EXPECT_TRUE(got.in_thoughts);
  got = read("Because.", false);
  EXPECT_EQ(got.text, "Because.");
  EXPECT_EQ(got.begin, 0);
  got = read("A <think> mark.", false);
  EXPECT_EQ(got.text, "A  mark.");  // special tokens are left out
  EXPECT_FALSE(got.in_thoughts);
  got = read("</think>", true);
  EXPECT_EQ(got.text, "");
  EXPECT_FALSE(got.in_thoughts);
  EXPECT_EQ(read("", true).begin, 0);
}

TEST(Written, ThoughtsAreFollowedTokenByToken) {
  const auto f = format(kOpens);
  const auto ids = f.tokenizer().encode("ab</think>c", false);
  const auto at = [&](std::size_t n, bool open) {
    return f.read_thinking(std::span(ids).first(n), open);
  };
  EXPECT_EQ(at(2, true), (ThinkingBlock{0, 2, true}));
  EXPECT_EQ(at(3, true), (ThinkingBlock{0, 2, false}));
  EXPECT_EQ(at(4, true), (ThinkingBlock{0, 2, false}));
  EXPECT_EQ(at(2, false), ThinkingBlock{});
  const auto own = f.tokenizer().encode("<think>ab", false);
  EXPECT_EQ(f.read_thinking(own, false), (ThinkingBlock{1, 3, true}));
}

TEST(Written, WithoutMarksAllOfItIsTheAnswer) {
  const auto plain = ChatFormat::from_parts(
      testing::make(
          testing::as_llama3(testing::tiny_bpe(testing::byte_tokens()))),
      "", "", "", {});
  EXPECT_FALSE(plain.has_thinking());
  EXPECT_EQ(
      plain.read_answer(plain.tokenizer().encode("a</think>b", false), true)
          .text,
      "a</think>b");
}

TEST(TemplateVars, ReachTheTemplateAndTheFingerprint) {
  const auto off = format(kSwitch, R"({"enable_thinking": false})");
  EXPECT_THAT(off.prompt_text(kQuestion), HasSubstr("</think>"));
  EXPECT_NE(off.fingerprint(), format(kSwitch).fingerprint());
  // What a caller gives wins.
  EXPECT_THAT(
      off.render_json(Json::array({{{"role", "user"}, {"content", "x"}}}),
                      {{"enable_thinking", true}}, true),
      Not(HasSubstr("</think>")));
}

TEST(TemplateVars, AreReadFromJson) {
  EXPECT_TRUE(parse_template_vars("").empty());
  EXPECT_EQ(parse_template_vars(R"({"a": 1})"), Json({{"a", 1}}));
  for (const char* wrong :
       {"enable_thinking=false", "[1]", "{", "1", R"({"messages": []})",
        R"({"add_generation_prompt": false})"}) {
    EXPECT_THROW(parse_template_vars(wrong), Error) << wrong;
  }
}

TEST(TemplateVars, AnUnsetSwitchIsToldOfWithItsRemedies) {
  const auto told =
      AllOf(HasSubstr("thinking switch"), HasSubstr("enable_thinking"),
            HasSubstr("--template-vars"), HasSubstr("[model] template_vars"));
  EXPECT_THAT(format(kSwitch).notes(), Contains(told));
  EXPECT_THAT(format(kVariable).notes(),
              Contains(AllOf(HasSubstr("thinking switch"),
                             HasSubstr("{\"thinking\": true}"))));
  EXPECT_THAT(format(kSystemOnly).notes(),
              Contains(HasSubstr("{\"thinking\": true}")));
  const auto any = Contains(HasSubstr("thinking switch"));
  EXPECT_THAT(format(kSwitch, R"({"enable_thinking": true})").notes(),
              Not(any));
  EXPECT_THAT(format(kOpens).notes(), Not(any));
  // m.thinking is a key of a message.
  EXPECT_THAT(format(kChannels).notes(), Not(any));
  EXPECT_TRUE(format(kPlain).notes().empty());
}

TEST(TemplateVars, AVariableThatDoesNothingIsToldOf) {
  EXPECT_THAT(format(kSwitch, R"({"enable_thinkin": false})").notes(),
              Contains(HasSubstr("enable_thinkin does nothing")));
  EXPECT_THAT(format("", R"({"x": 1})").notes(),
              Contains(HasSubstr("x does nothing")));
}

TEST(ThinkingNotes, APromptThatOpensABlockIsToldOf) {
  EXPECT_THAT(format(kOpens).notes(),
              Contains(HasSubstr("open a think block")));
  EXPECT_THAT(format(kLeavesOpen).notes(),
              Contains(HasSubstr("of a finished answer open")));
}

}  // namespace
}  // namespace veer
