// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"
#include "veer/data/answer_side.h"
#include "veer/data/columns.h"
#include "veer/data/layouts.h"
#include "veer/data/record.h"

namespace veer {

struct SourceOptions {
  // A row that cannot be used: false = stop with its line number, true =
  // leave it out and count it.
  bool skip_bad_rows = false;
  // The side of the one answer a row has, of the chosen one of two, and of
  // the one that matches a behaviour. Not given: of one answer, what the
  // file's name says (see side_of_file_name), and an error if that does not
  // say; chosen is honest; matching is what the name says, or deceptive.
  std::optional<AnswerSide> side;
  // Answers such as "(A)" become the text of that option in the question.
  bool option_texts = false;
  DataColumns columns;
};

// Turns the rows of one file into records and keeps what was assumed.
class RowReader {
 public:
  // `name` is the file's, for sides and messages; `source` is what records
  // without a source of their own get.
  RowReader(std::string name, std::string source, const SourceOptions& options);

  // Throws Error{kBadInput} naming `place`.
  QuestionRecord read(const Json& row, const std::string& place);

  // What was assumed and what was left out, in sentences for the user.
  std::vector<std::string> notes() const;

 private:
  struct Counts {
    std::int64_t rows = 0, one_answer = 0, labelled = 0, preference = 0,
                 matching = 0;
    std::int64_t numbers = 0, several = 0, context = 0;
    std::int64_t system = 0, earlier_turns = 0, tools = 0, reasoning = 0;
    std::int64_t unused = 0;
  };
  AnswerSide side_of(RowLayout layout, const std::string& place) const;
  void set_answers(const RowContent& content, const std::string& place,
                   QuestionRecord& out);
  void use_option_texts(const std::string& place, QuestionRecord& out) const;
  void count(const RowContent& content);
  void count_letter(const QuestionRecord& record);
  void note_sides(std::vector<std::string>& out) const;
  void note_letters(std::vector<std::string>& out) const;

  std::string name_;
  std::string source_;
  const SourceOptions options_;
  std::optional<AnswerSide> named_side_;
  bool table_;
  Counts counts_;
  std::vector<std::string> unused_keys_;
  // How often each letter is the deceptive answer where both are letters.
  std::array<std::int64_t, 26> letters_ = {};
};

}  // namespace veer
