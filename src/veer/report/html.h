// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"

namespace veer {

// `&`, `<`, `>` and quotes as entities; control characters other than line
// ends become U+FFFD. Model output may hold anything.
std::string escape_html(std::string_view text);

// JSON that may stand inside <script type="application/json">: no "<", and no
// line separators that a script parser would stop at.
std::string json_for_script(const Json& value);

// One column of a table.
struct Column {
  std::string title;
  bool number = false;  // right-aligned, tabular digits
};

// A table whose cells are ready HTML (escape them first).
std::string html_table(const std::vector<Column>& columns,
                       const std::vector<std::vector<std::string>>& rows);

// A chart: the Vega-Lite specification, with a caption that says what to
// conclude and what not. `id` is unique in the page.
std::string html_chart(std::string_view id, const Json& specification,
                       std::string_view caption);

// A block that can be linked to and read alone.
std::string html_section(std::string_view id, std::string_view title,
                         std::string_view body);

// The whole page.
struct Page {
  std::string title;
  std::string subtitle;                                    // plain text
  std::vector<std::pair<std::string, std::string>> links;  // id, name
  std::string body;
};
std::string html_page(const Page& page);

}  // namespace veer
