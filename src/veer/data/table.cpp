// SPDX-License-Identifier: MIT
#include "veer/data/table.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/data/csv.h"
#include "veer/data/file_ending.h"
#include "veer/data/lines.h"

namespace veer {
namespace {

bool is_tab_name(std::string_view name) {
  return has_ending(name, ".tsv") || has_ending(name, ".tab");
}

// Separators of the first line that stand outside of quotation marks.
std::set<char> separators_in(std::string_view text) {
  std::set<char> out;
  bool quoted = false;
  for (const char c : text) {
    quoted = c == '"' ? !quoted : quoted;
    if (quoted) {
      continue;
    }
    if (c == '\n' || c == '\r') {
      break;
    }
    if (c == ',' || c == ';' || c == '\t') {
      out.insert(c);
    }
  }
  return out;
}

// Excel's first line "sep=;", which is taken off the text.
std::optional<char> take_named_separator(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  const bool named = line.size() >= 5 && line.starts_with("sep=") &&
                     (line.substr(5).empty() || line.substr(5) == "\r");
  if (!named) {
    return std::nullopt;
  }
  text = text.substr(std::min(line.size() + 1, text.size()));
  return line[4];
}

char separator_of(std::string_view& text, std::string_view name) {
  if (const auto named = take_named_separator(text)) {
    return *named;
  }
  const char usual = is_tab_name(name) ? '\t' : ',';
  const auto found = separators_in(text);
  return found.empty() || found.contains(usual) ? usual : *found.begin();
}

void require_columns(const CsvRow& header, std::string_view origin) {
  std::set<std::string> seen;
  for (const std::string& column : header.fields) {
    if (column.find('\r') != std::string::npos) {
      fail("read dataset",
           fmt::format("{}: lines end with a carriage return alone", origin),
           "line feeds",
           "a file of an old program; saving it as \"CSV UTF-8\", "
           "or: tr '\\r' '\\n' < FILE > rows.csv");
    }
    if (!column.empty() && !seen.insert(column).second) {
      fail("read dataset",
           fmt::format("{}, line {}: two columns are named \"{}\"", origin,
                       header.line, column),
           "each column a name of its own");
    }
  }
}

Json object_of(const CsvRow& header, const CsvRow& row,
               const std::string& place) {
  if (row.fields.size() != header.fields.size()) {
    fail("read dataset", fmt::format("{}: {} fields", place, row.fields.size()),
         fmt::format("{} as in the first line", header.fields.size()),
         "a field that holds the separator or a line end and is not quoted");
  }
  Json out = Json::object();
  for (std::size_t i = 0; i < row.fields.size(); ++i) {
    if (!header.fields[i].empty()) {
      out[header.fields[i]] = row.fields[i];
    }
  }
  return out;
}

}  // namespace

bool is_table_name(std::string_view name) {
  return has_ending(name, ".csv") || is_tab_name(name);
}

void for_each_table_row(std::string_view text, std::string_view origin,
                        const RowVisitor& visit) {
  text = without_mark(text);
  const bool has_separator_line = text.starts_with("sep=");
  const char separator = separator_of(text, origin);
  const auto rows = parse_csv(text, origin, separator);
  if (rows.empty()) {
    return;
  }
  require_columns(rows[0], origin);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const CsvRow& row = rows[i];
    if (std::all_of(row.fields.begin(), row.fields.end(),
                    [](const std::string& field) { return field.empty(); })) {
      continue;
    }
    const std::int64_t line = row.line + (has_separator_line ? 1 : 0);
    const std::string place = fmt::format("{}, line {}", origin, line);
    visit([&] { return object_of(rows[0], row, place); }, place);
  }
}

}  // namespace veer
