// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "veer/base/json.h"
#include "veer/data/conversation.h"
#include "veer/data/row_content.h"

namespace veer {

// Throws Error{kBadInput}: "place: found; expected ... Likely cause: ...".
[[noreturn]] void fail_row(const std::string& place, std::string_view found,
                           std::string_view expected,
                           std::string_view cause = {});

// A value for a message, cut off at the length of a line.
std::string shown_value(const Json& value);

// Makes texts of the values of a row, whatever form they have, and keeps in
// mind in `content` what is assumed of them. `place` and `content` have to
// outlive this.
class ValueReader {
 public:
  ValueReader(const std::string& place, bool from_table, RowContent& content)
      : place_(place), from_table_(from_table), out_(content) {}

  // An answer: text, a number, messages, the first of a list, or the text in
  // {"text": ...}.
  std::string text_of(const Json& value, std::string_view key);
  // Text without white space around; a cell of a table is no Python list.
  std::string plain_text(const std::string& text, std::string_view key) const;
  // The last user's text of a prompt: text, a transcript or messages.
  std::string question_of(const Json& value, std::string_view key);
  // Id, topic and split: text, or a number as it is written; absent = "".
  std::string word_of(const Json* value, std::string_view key) const;
  // What a conversation holds besides the last question and answer.
  void note(const Conversation& turns);

 private:
  std::string first_of(const Json& list, std::string_view key);

  const std::string& place_;
  bool from_table_;
  RowContent& out_;
};

}  // namespace veer
