// SPDX-License-Identifier: MIT
// Variables of a chat template, and what it does about thinking.
#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/text/chat/answer.h"
#include "veer/text/chat/state.h"

namespace veer {
namespace {

constexpr std::array kReserved = {"messages", "add_generation_prompt"};
constexpr std::string_view kExample = R"('{"enable_thinking": false}')";

// A conversation with and without an answer, as the template prints them.
std::optional<std::string> shown(const JinjaTemplate& chat_template,
                                 Json variables, std::int64_t now) {
  try {
    std::string out;
    variables["messages"] = Json::array({{{"role", "user"}, {"content", "u"}}});
    variables["add_generation_prompt"] = true;
    out = chat_template.render(variables, {}, now).text;
    variables["messages"].push_back({{"role", "assistant"}, {"content", "a"}});
    variables["add_generation_prompt"] = false;
    return out + chat_template.render(variables, {}, now).text;
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool speaks_of_thinking(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return lower.find("think") != std::string::npos ||
         lower.find("reason") != std::string::npos;
}

// The value of a variable that changes what the template prints, to be shown
// as an example; none for what is no switch.
std::optional<Json> switching_value(const JinjaTemplate& chat_template,
                                    const Json& variables,
                                    const std::string& name, std::int64_t now) {
  const auto unset = shown(chat_template, variables, now);
  for (const Json& value : {Json(false), Json(true), Json("low")}) {
    Json set = variables;
    set[name] = value;
    if (const auto text = shown(chat_template, set, now);
        text && unset && *text != *unset) {
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace

Json parse_template_vars(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return Json::object();
  }
  const Json out = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!out.is_object()) {
    fail("template variables", fmt::format("\"{}\" is no JSON object", text),
         fmt::format("names and values, such as {}", kExample),
         "quotes that the shell took away; put the whole in single ones");
  }
  for (const char* name : kReserved) {
    if (out.contains(name)) {
      fail("template variables", fmt::format("\"{}\" among them", name),
           "variables that are not of the conversation itself",
           "Veer gives that one from the messages");
    }
  }
  return out;
}

void ChatFormat::State::note_variables() {
  const auto names =
      chat_template ? chat_template->names() : std::vector<std::string>();
  for (const auto& [name, value] : template_vars.items()) {
    if (!std::ranges::binary_search(names, name)) {
      notes.push_back(
          fmt::format("the template variable {} does nothing: {}", name,
                      chat_template ? "the chat template does not mention it"
                                    : "this model has no chat template"));
    }
  }
  if (!chat_template) {
    return;
  }
  const Json given = variables(/*generation_prompt=*/true);
  for (const std::string& name : names) {
    if (given.contains(name) || !speaks_of_thinking(name)) {
      continue;
    }
    if (const auto value = switching_value(*chat_template, given, name, now)) {
      const std::string example =
          fmt::format("'{{\"{}\": {}}}'", name, dump_json(*value));
      notes.push_back(fmt::format(
          "the chat template has a thinking switch that is not set, {}; its "
          "default holds. Set it with --template-vars {}, or in a manifest "
          "with [model] template_vars = {}",
          name, example, example));
    }
  }
}

void ChatFormat::State::note_thinking() {
  if (!template_thinks) {
    return;
  }
  const std::vector<ChatMessage> question = {{"user", "u"}};
  const std::vector<ChatMessage> answered = {{"user", "u"}, {"assistant", "a"}};
  try {
    const JinjaRender prompt = render(question, true);
    const ThinkSpan block = prompt_block(prompt, *marks);
    if (!block.opened || block.closed) {
      return;
    }
    notes.push_back(fmt::format(
        "prompts open a think block ({}): the model thinks first, and its "
        "answer is what follows {}. An answer that ends before that is empty; "
        "[model] thinking_tokens gives thoughts room of their own",
        marks->open, marks->close));
    const JinjaRender full = render(answered, false);
    const LocatedAnswer answer = locate_answer(prompt, full, 1, "a", &*marks);
    if (answer.text != full.text) {
      notes.push_back(fmt::format(
          "the chat template leaves the think block of a finished answer open: "
          "it is closed with {} before answers that are trained or measured",
          marks->close));
    }
  } catch (const Error&) {  // told when a conversation is encoded
  }
}

}  // namespace veer
