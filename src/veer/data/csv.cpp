// SPDX-License-Identifier: MIT
#include "veer/data/csv.h"

#include <algorithm>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/data/lines.h"

namespace veer {
namespace {

class CsvReader {
 public:
  CsvReader(std::string_view text, std::string_view origin, char separator)
      : text_(without_mark(text)), origin_(origin), separator_(separator) {}

  std::vector<CsvRow> run() {
    while (at_ < text_.size()) {
      CsvRow row;
      row.line = line_;
      bool more = true;
      while (more) {
        row.fields.push_back(field());
        more = at_ < text_.size() && text_[at_] == separator_;
        at_ += more ? 1 : 0;
      }
      end_of_row();
      if (row.fields.size() > 1 || !row.fields[0].empty()) {
        rows_.push_back(std::move(row));
      }
    }
    return std::move(rows_);
  }

 private:
  std::string field() {
    if (at_ < text_.size() && text_[at_] == '"') {
      return quoted();
    }
    const char ends[] = {separator_, '\n', '\0'};
    const std::size_t end =
        std::min(text_.find_first_of(ends, at_), text_.size());
    std::string_view out = text_.substr(at_, end - at_);
    at_ = end;
    if (out.ends_with('\r') && (end == text_.size() || text_[end] == '\n')) {
      out.remove_suffix(1);
    }
    return std::string(out);
  }

  std::string quoted() {
    const std::int64_t begun = line_;
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') {
          ++at_;
          return out;
        }
        ++at_;
      }
      line_ += text_[at_] == '\n' ? 1 : 0;
      out += text_[at_];
    }
    fail("read CSV",
         fmt::format("{}, line {}: a quoted field has no end", origin_, begun),
         "a closing quote");
  }

  void end_of_row() {
    if (text_.substr(at_).starts_with("\r\n")) {
      ++at_;
    }
    if (at_ < text_.size() && text_[at_] != '\n') {
      fail("read CSV",
           fmt::format("{}, line {}: text behind a closing quote", origin_,
                       line_),
           "a separator or the end of the line",
           "a field that begins with a quotation mark has to be quoted as a "
           "whole, the mark within doubled");
    }
    ++at_;
    ++line_;
  }

  std::string_view text_;
  std::string_view origin_;
  char separator_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
  std::vector<CsvRow> rows_;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, std::string_view origin,
                              char separator) {
  return CsvReader(text, origin, separator).run();
}

}  // namespace veer
