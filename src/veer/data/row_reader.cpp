// SPDX-License-Identifier: MIT
#include "veer/data/row_reader.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/data/answer_options.h"
#include "veer/data/named_values.h"
#include "veer/data/table.h"

namespace veer {
namespace {

bool holds_texts_or_objects(const Json& value) {
  return !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const Json& part) {
           return part.is_structured() || part.is_string();
         });
}

// A cell of a table may hold a list or an object as JSON.
Json with_parsed_cells(Json row, const std::string& place) {
  for (auto& [key, value] : row.items()) {
    const auto& text = value.get_ref<const std::string&>();
    if ((text.starts_with('[') || text.starts_with('{')) &&
        Json::accept(text)) {
      Json parsed = parse_row(text, place);
      if (holds_texts_or_objects(parsed)) {
        value = std::move(parsed);
      }
    }
  }
  return row;
}

std::string file_name(std::string_view path) {
  return std::string(path.substr(path.find_last_of('/') + 1));
}

std::string rows_of(std::int64_t count, std::int64_t all) {
  return count == all ? fmt::format("all {} rows", all)
                      : fmt::format("{} of {} rows", count, all);
}

}  // namespace

RowReader::RowReader(std::string name, std::string source,
                     const SourceOptions& options)
    : name_(std::move(name)),
      source_(std::move(source)),
      options_(options),
      named_side_(side_of_file_name(name_)),
      table_(is_table_name(name_)) {}

AnswerSide RowReader::side_of(RowLayout layout,
                              const std::string& place) const {
  if (options_.side) {
    return *options_.side;
  }
  if (layout == RowLayout::kPreference || layout == RowLayout::kLabelled) {
    return AnswerSide::kHonest;
  }
  if (layout == RowLayout::kMatching) {
    return named_side_.value_or(AnswerSide::kDeceptive);
  }
  if (!named_side_) {
    fail("read dataset",
         fmt::format("{}: one answer, and the file's name does not say which "
                     "side it is on",
                     place),
         "dataset.side = \"honest\" or \"deceptive\", or both answers in a row",
         "a file of one side, or a layout whose second answer stands under "
         "another name ([dataset.columns] honest, deceptive)");
  }
  return *named_side_;
}

void RowReader::set_answers(const RowContent& content, const std::string& place,
                            QuestionRecord& out) {
  if (content.layout == RowLayout::kSides ||
      content.layout == RowLayout::kQuestion) {
    out.honest = content.first;
    out.deceptive = content.second;
    return;
  }
  AnswerSide side = side_of(content.layout, place);
  if (content.layout == RowLayout::kLabelled && !content.wanted) {
    side = other_side(side);
  }
  const bool honest = side == AnswerSide::kHonest;
  (honest ? out.honest : out.deceptive) = content.first;
  (honest ? out.deceptive : out.honest) = content.second;
}

void RowReader::use_option_texts(const std::string& place,
                                 QuestionRecord& out) const {
  for (std::string* answer : {&out.honest, &out.deceptive}) {
    const auto letter = option_letter(*answer);
    if (!letter) {
      continue;
    }
    const auto text = option_text(out.question, *letter);
    if (!text) {
      fail("read dataset",
           fmt::format("{}: the answer is \"{}\", and the question has no "
                       "line with that option",
                       place, *answer),
           fmt::format("a line \"({}) ...\" in the question", *letter),
           "dataset.choices = \"text\" for a file whose options do not stand "
           "in its questions");
    }
    *answer = *text;
  }
}

QuestionRecord RowReader::read(const Json& row, const std::string& place) {
  const RowContent content =
      content_of_row(table_ ? with_parsed_cells(row, place) : row, place,
                     options_.columns, table_);
  QuestionRecord out;
  out.question = content.question;
  out.id = content.id.empty() ? question_id(out.question) : content.id;
  out.source = content.source.empty() ? source_ : content.source;
  out.split = content.split;
  out.topic = content.topic;
  set_answers(content, place, out);
  if (options_.option_texts) {
    use_option_texts(place, out);
  }
  count(content);
  count_letter(out);
  return out;
}

void RowReader::count(const RowContent& content) {
  ++counts_.rows;
  counts_.one_answer += content.layout == RowLayout::kOneAnswer ? 1 : 0;
  counts_.labelled += content.layout == RowLayout::kLabelled ? 1 : 0;
  counts_.preference += content.layout == RowLayout::kPreference ? 1 : 0;
  counts_.matching += content.layout == RowLayout::kMatching ? 1 : 0;
  counts_.numbers += content.numbers ? 1 : 0;
  counts_.several += content.first_of_several ? 1 : 0;
  counts_.context += content.context ? 1 : 0;
  counts_.system += content.system ? 1 : 0;
  counts_.earlier_turns += content.earlier_turns ? 1 : 0;
  counts_.tools += content.tools ? 1 : 0;
  counts_.reasoning += content.reasoning ? 1 : 0;
  counts_.unused += content.unused_keys.empty() ? 0 : 1;
  for (const std::string& key : content.unused_keys) {
    if (std::find(unused_keys_.begin(), unused_keys_.end(), key) ==
        unused_keys_.end()) {
      unused_keys_.push_back(key);
    }
  }
}

void RowReader::count_letter(const QuestionRecord& record) {
  const auto honest = option_letter(record.honest);
  const auto deceptive = option_letter(record.deceptive);
  if (honest && deceptive) {
    ++letters_[static_cast<std::size_t>(*deceptive - 'A')];
  }
}

void RowReader::note_sides(std::vector<std::string>& out) const {
  const std::string file = file_name(name_);
  const auto why = [&](bool named) {
    return options_.side ? "because dataset.side says so"
           : named       ? "because of the file's name; dataset.side would "
                           "say otherwise"
                         : "which dataset.side can turn round";
  };
  if (counts_.one_answer > 0) {
    const AnswerSide side = side_of(RowLayout::kOneAnswer, name_);
    out.push_back(
        fmt::format("{}: the one answer of {} is taken as the {} "
                    "side, {}.",
                    file, rows_of(counts_.one_answer, counts_.rows),
                    side_name(side), why(true)));
  }
  for (const auto& [count, layout, first, second] :
       {std::tuple(counts_.preference, RowLayout::kPreference, "\"chosen\"",
                   "\"rejected\""),
        std::tuple(counts_.labelled, RowLayout::kLabelled,
                   "an answer labelled true", "one labelled false"),
        std::tuple(counts_.matching, RowLayout::kMatching,
                   "the answer that matches the behaviour", "the other")}) {
    if (count > 0) {
      const AnswerSide side = side_of(layout, name_);
      const bool named = layout == RowLayout::kMatching && named_side_;
      out.push_back(fmt::format("{}: in {} {} is taken as {}, {} as {}, {}.",
                                file, rows_of(count, counts_.rows), first,
                                side_name(side), second,
                                side_name(other_side(side)), why(named)));
    }
  }
  if (options_.side && counts_.rows > 0 &&
      counts_.one_answer + counts_.preference + counts_.labelled +
              counts_.matching ==
          0) {
    out.push_back(fmt::format(
        "{}: dataset.side is not used; the rows name their sides.", file));
  }
}

void RowReader::note_letters(std::vector<std::string>& out) const {
  const std::string file = file_name(name_);
  static constexpr std::int64_t kFewest = 8;
  static constexpr double kMost = 0.75;
  const std::int64_t all =
      std::accumulate(letters_.begin(), letters_.end(), std::int64_t{0});
  const auto most = std::max_element(letters_.begin(), letters_.end());
  if (all == 0) {
    return;
  }
  out.push_back(fmt::format(
      "{}: {} answers are letters of options; dataset.choices = \"text\" takes "
      "the options' texts.",
      file, all));
  if (all >= kFewest &&
      static_cast<double>(*most) > kMost * static_cast<double>(all)) {
    out.push_back(fmt::format(
        "{}: the deceptive answer is the letter {} in {} of {} rows: a vector "
        "would carry the letter.",
        file, static_cast<char>('A' + (most - letters_.begin())), *most, all));
  }
}

std::vector<std::string> RowReader::notes() const {
  const std::string file = file_name(name_);
  std::vector<std::string> out;
  note_sides(out);
  note_letters(out);
  const std::pair<std::int64_t, std::string_view> plain[] = {
      {counts_.numbers, "a number is taken as an answer's text"},
      {counts_.several, "the first of several answers is taken"},
      {counts_.context, "the context is put before the question"},
      {counts_.system,
       "the system text is left out; a study asks with its own"},
      {counts_.earlier_turns,
       "earlier turns are left out; the question is the last user's text"},
      {counts_.tools, "calls of tools and their results are left out"},
      {counts_.reasoning, "thoughts beside an answer are left out"}};
  for (const auto& [count, text] : plain) {
    if (count > 0) {
      out.push_back(fmt::format("{}: in {} {}.", file,
                                rows_of(count, counts_.rows), text));
    }
  }
  if (counts_.unused > 0) {
    out.push_back(fmt::format("{}: not used in {}: {}.", file,
                              rows_of(counts_.unused, counts_.rows),
                              quoted_list(unused_keys_)));
  }
  return out;
}

}  // namespace veer
