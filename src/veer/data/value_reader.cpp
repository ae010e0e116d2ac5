// SPDX-License-Identifier: MIT
#include "veer/data/value_reader.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {

void fail_row(const std::string& place, std::string_view found,
              std::string_view expected, std::string_view cause) {
  fail("read dataset", fmt::format("{}: {}", place, found), expected, cause);
}

std::string shown_value(const Json& value) {
  static constexpr std::size_t kMost = 80;
  std::string text = dump_json(value);
  if (text.size() > kMost) {
    text.resize(kMost);
    text += " ...";
  }
  return text;
}

std::string ValueReader::text_of(const Json& value, std::string_view key) {
  if (value.is_string()) {
    return plain_text(value.get_ref<const std::string&>(), key);
  }
  if (value.is_number()) {
    out_.numbers = true;
    return dump_json(value);
  }
  if (is_message(value) ||
      (value.is_array() && !value.empty() && is_message(value.front()))) {
    const Conversation turns = messages_of(value, place_);
    note(turns);
    return answer_in(turns, place_);
  }
  if (value.is_array()) {
    return first_of(value, key);
  }
  if (value.is_object() && value.contains("text")) {  // SQuAD
    return text_of(value["text"], key);
  }
  fail_row(place_, fmt::format("\"{}\" is {}", key, shown_value(value)), "text",
           value.is_boolean() ? "a label, or an answer that has to be written "
                                "as text, such as \"yes\""
                              : "");
}

std::string ValueReader::plain_text(const std::string& text,
                                    std::string_view key) const {
  if (from_table_) {
    for (const char* start : {"['", "[\"", "[{", "{'", "{\""}) {
      if (text.starts_with(start)) {
        fail_row(place_,
                 fmt::format("\"{}\" is a list or an object as Python prints "
                             "it: {}",
                             key, shown_value(text)),
                 "text, or JSON",
                 "a table of lists; pandas keeps them with "
                 "to_json(\"rows.jsonl\", orient=\"records\", lines=True)");
      }
    }
  }
  return trimmed(text);
}

std::string ValueReader::first_of(const Json& list, std::string_view key) {
  std::string out;
  for (const Json& one : list) {
    if (one.is_array() || one.is_object() || one.is_boolean()) {
      fail_row(place_, fmt::format("\"{}\" holds {}", key, shown_value(one)),
               "texts");
    }
    const std::string text = one.is_null() ? "" : text_of(one, key);
    out_.first_of_several =
        out_.first_of_several || (!out.empty() && !text.empty());
    out = out.empty() ? text : out;
  }
  return out;
}

std::string ValueReader::word_of(const Json* value,
                                 std::string_view key) const {
  if (value == nullptr) {
    return "";
  }
  if (value->is_string()) {
    return trimmed(value->get_ref<const std::string&>());
  }
  if (value->is_number() || value->is_boolean()) {
    return dump_json(*value);
  }
  fail_row(place_, fmt::format("\"{}\" is {}", key, shown_value(*value)),
           "text or a number");
}

std::string ValueReader::question_of(const Json& value, std::string_view key) {
  if (value.is_string()) {
    const Conversation turns =
        prompt_of(plain_text(value.get_ref<const std::string&>(), key));
    note(turns);
    return question_in(turns, place_);
  }
  if (!value.is_array() && !is_message(value)) {
    fail_row(place_, fmt::format("\"{}\" is {}", key, shown_value(value)),
             "text or messages");
  }
  const Conversation turns = messages_of(value, place_);
  note(turns);
  return question_in(turns, place_);
}

void ValueReader::note(const Conversation& turns) {
  int asked = 0;
  for (const ChatMessage& message : turns.messages) {
    out_.system = out_.system || message.role == "system";
    asked += message.role == "user" ? 1 : 0;
  }
  out_.earlier_turns = out_.earlier_turns || asked > 1;
  out_.tools = out_.tools || turns.tools;
  out_.reasoning = out_.reasoning || turns.reasoning;
}

}  // namespace veer
