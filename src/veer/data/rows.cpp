// SPDX-License-Identifier: MIT
#include "veer/data/rows.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/data/conversation.h"
#include "veer/data/lines.h"

namespace veer {
namespace {

// JSON Lines: more than one line, and the first is a JSON text by itself. A
// text that is no JSON as a whole is read by lines too, for a message that
// names the line.
bool is_json_lines(std::string_view text) {
  std::int64_t lines = 0;
  bool first_is_json = false;
  bool one_opens = false;
  for_each_line(text, [&](std::string_view line, std::int64_t) {
    if (lines++ == 0) {
      first_is_json = Json::accept(line);
      one_opens = line == "[" || line == "{" || line == "[{";
    }
  });
  return lines > 1 && (first_is_json || (!one_opens && !Json::accept(text)));
}

int depth_of(std::string_view text) {
  int depth = 0;
  int most = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      i += c == '\\' ? 1 : 0;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      most = std::max(most, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return most;
}

void require_shallow(std::string_view text, std::string_view place) {
  static constexpr int kDeepest = 64;
  if (const int depth = depth_of(text); depth > kDeepest) {
    fail("read dataset",
         fmt::format("{}: values within each other {} deep", place, depth),
         fmt::format("at most {}", kDeepest));
  }
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool holds_only(const Json& object, bool (*is_kind)(const Json&)) {
  return !object.empty() && std::all_of(object.begin(), object.end(), is_kind);
}

// {"question": {"0": ...}} of pandas, {"question": [...]} of datasets, and
// {"data": [{...}]} of many.
void require_rows(const Json& document, std::string_view origin) {
  if (!document.is_object()) {
    return;
  }
  const bool by_columns =
      document.size() > 1 &&
      (holds_only(document, [](const Json& v) { return v.is_object(); }) ||
       holds_only(document, [](const Json& v) { return v.is_array(); })) &&
      !document.contains("chosen") && !document.contains("messages");
  if (by_columns) {
    fail("read dataset",
         fmt::format("{} is one object that holds whole columns", origin),
         "one object a row",
         "a table that was written by columns; pandas writes rows with "
         "to_json(\"rows.jsonl\", orient=\"records\", lines=True)");
  }
  for (const char* key : {"data", "rows", "examples", "questions", "items"}) {
    const auto at = document.find(key);
    if (at != document.end() && at->is_array()) {
      fail("read dataset",
           fmt::format("{} is one object with the list \"{}\"", origin, key),
           "the list alone, or one object a line",
           "rows within another document, as in SQuAD's own files");
    }
  }
}

}  // namespace

Json parse_row(std::string_view text, const std::string& place) {
  require_shallow(text, place);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    fail("read dataset",
         fmt::format("{}: no JSON from byte {} on", place, error.byte),
         "one JSON value",
         "a cut off or broken row; NaN and Infinity, which Python writes, are "
         "no JSON");
  } catch (const Json::exception& error) {
    fail("read dataset", fmt::format("{}: {}", place, error.what()),
         "one JSON value");
  }
}

void for_each_row(std::string_view text, std::string_view origin,
                  const RowVisitor& visit) {
  text = without_mark(text);
  if (is_json_lines(text)) {
    for_each_line(text, [&](std::string_view line, std::int64_t number) {
      const std::string place = fmt::format("{}, line {}", origin, number);
      visit([&] { return parse_row(line, place); }, place);
    });
    return;
  }
  if (is_blank(text)) {
    return;
  }
  require_shallow(text, origin);
  const Json document = parse_json(text, origin);
  if (!document.is_array() ||
      (!document.empty() && is_message(document.front()))) {
    require_rows(document, origin);
    visit([&] { return document; }, std::string(origin));
    return;
  }
  std::int64_t number = 0;
  for (const Json& row : document) {
    ++number;
    visit([&] { return row; }, fmt::format("{}, element {}", origin, number));
  }
}

}  // namespace veer
