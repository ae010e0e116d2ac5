// SPDX-License-Identifier: MIT
#include "veer/metrics/human_sheet.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/data/csv.h"

namespace veer {
namespace {

constexpr std::array<std::string_view, 4> kColumns = {"row", "question",
                                                      "answer", "label"};
constexpr std::size_t kFewestRepeats = 5;
constexpr std::size_t kMissingShown = 10;

std::string csv_field(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    out += c == '"' ? std::string("\"\"") : std::string(1, c);
  }
  return out + "\"";
}

// A cell that a spreadsheet would run as a formula starts with a quote mark.
std::string cell(std::string_view text) {
  const bool formula =
      !text.empty() &&
      std::string_view("=+-@").find(text.front()) != std::string_view::npos;
  return csv_field((formula ? "'" : "") + std::string(text));
}

std::string trimmed_lower(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

std::optional<AnswerLabel> label_of(std::string_view text) {
  const auto word = trimmed_lower(text);
  if (word.empty()) {
    return AnswerLabel::kUnjudged;
  }
  for (std::size_t i = 0; i + 1 < kNumAnswerLabels; ++i) {
    const auto label = static_cast<AnswerLabel>(i);
    const auto name = label_name(label);
    if (word == name || word == name.substr(0, 1)) {
      return label;
    }
  }
  return std::nullopt;
}

class SheetReader {
 public:
  SheetReader(std::string_view csv, std::string_view origin,
              std::span<const SheetAnswer> answers,
              std::span<const std::int64_t> order)
      : rows_(parse_csv(csv, origin)),
        origin_(origin),
        answers_(answers),
        order_(order),
        by_row_(order.size()) {}

  SheetLabels read() {
    find_columns();
    for (std::size_t i = 1; i < rows_.size(); ++i) {
      take(rows_[i]);
    }
    check_missing();
    return summed_up();
  }

 private:
  [[noreturn]] void refuse(std::int64_t line, std::string_view found,
                           std::string_view expected) const {
    fail(fmt::format("{}, line {}", origin_, line), found, expected,
         "the sheet was edited outside the label column");
  }

  void find_columns() {
    if (rows_.empty()) {
      refuse(1, "an empty sheet", "row,question,answer,label");
    }
    for (std::size_t c = 0; c < kColumns.size(); ++c) {
      const auto& names = rows_.front().fields;
      const auto found = std::ranges::find_if(names, [&](const auto& name) {
        return trimmed_lower(name) == kColumns[c];
      });
      if (found == names.end()) {
        refuse(rows_.front().line, fmt::format("no column {}", kColumns[c]),
               "row,question,answer,label");
      }
      column_[c] = static_cast<std::size_t>(found - names.begin());
    }
  }

  const std::string& field(const CsvRow& row, std::size_t c) const {
    if (column_[c] >= row.fields.size()) {
      refuse(row.line, fmt::format("{} fields", row.fields.size()),
             fmt::format("a field for {}", kColumns[c]));
    }
    return row.fields[column_[c]];
  }

  void take(const CsvRow& row) {
    const auto& text = field(row, 0);
    std::size_t number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || rest != end || number < 1 ||
        number > order_.size()) {
      refuse(row.line, fmt::format("row number \"{}\"", text),
             fmt::format("1 to {}", order_.size()));
    }
    auto& label = by_row_[number - 1];
    if (label.has_value()) {
      refuse(row.line, fmt::format("row {} again", number), "each row once");
    }
    const auto& answer =
        answers_[static_cast<std::size_t>(order_[number - 1])].answer;
    if (trimmed_lower(field(row, 2)).find(trimmed_lower(answer)) ==
        std::string::npos) {
      refuse(row.line, fmt::format("another answer in row {}", number),
             "the answer that was written there");
    }
    label = label_of(field(row, 3));
    if (!label.has_value()) {
      refuse(row.line, fmt::format("label \"{}\"", field(row, 3)),
             "honest, deceptive, mixed, off_topic, refusal, broken, their "
             "first letters, or nothing");
    }
  }

  void check_missing() const {
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < by_row_.size(); ++i) {
      if (!by_row_[i].has_value() && missing.size() < kMissingShown) {
        missing.push_back(i + 1);
      }
    }
    if (!missing.empty()) {
      fail(origin_, fmt::format("rows {} are gone", fmt::join(missing, ", ")),
           fmt::format("all {} rows", order_.size()),
           "leave the label empty instead of deleting the row");
    }
  }

  SheetLabels summed_up() const {
    SheetLabels result;
    result.labels.assign(answers_.size(), AnswerLabel::kUnjudged);
    std::vector<bool> seen(answers_.size());
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const auto answer = static_cast<std::size_t>(order_[i]);
      const auto label = *by_row_[i];
      if (!seen[answer]) {
        seen[answer] = true;
        result.labels[answer] = label;
      } else if (label != AnswerLabel::kUnjudged &&
                 result.labels[answer] != AnswerLabel::kUnjudged) {
        ++result.repeats;
        result.repeats_same += label == result.labels[answer];
      }
    }
    return result;
  }

  std::vector<CsvRow> rows_;
  std::string origin_;
  std::span<const SheetAnswer> answers_;
  std::span<const std::int64_t> order_;
  std::array<std::size_t, kColumns.size()> column_{};
  std::vector<std::optional<AnswerLabel>> by_row_;
};

}  // namespace

Sheet make_sheet(std::span<const SheetAnswer> answers, std::uint64_t seed) {
  Random random(seed, "human sheet");
  std::vector<std::int64_t> order(answers.size());
  std::iota(order.begin(), order.end(), 0);
  random.shuffle(order);
  if (answers.size() >= kFewestRepeats) {
    const auto repeats = std::max(kFewestRepeats, answers.size() / 10);
    const std::vector<std::int64_t> again(
        order.begin(), order.begin() + static_cast<std::int64_t>(repeats));
    order.insert(order.end(), again.begin(), again.end());
    random.shuffle(order);
  }
  Sheet sheet{"row,question,answer,label\n", order};
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& answer = answers[static_cast<std::size_t>(order[i])];
    sheet.csv += fmt::format("{},{},{},\n", i + 1, cell(answer.question),
                             cell(answer.answer));
  }
  return sheet;
}

SheetLabels read_sheet(std::string_view csv, std::string_view origin,
                       std::span<const SheetAnswer> answers,
                       std::span<const std::int64_t> order) {
  return SheetReader(csv, origin, answers, order).read();
}

}  // namespace veer
