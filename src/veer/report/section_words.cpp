// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "veer/report/assets.h"
#include "veer/report/html.h"
#include "veer/report/sections.h"

namespace veer {
namespace {

// `text` with what stands between two marks in a tag: "*so*", "`so`".
std::string between_marks(const std::string& text, char mark,
                          std::string_view tag) {
  std::string out;
  bool open = false;
  for (const char c : text) {
    if (c == mark) {
      out += fmt::format("<{}{}>", open ? "/" : "", tag);
      open = !open;
    } else {
      out += c;
    }
  }
  return out;
}

std::string inline_html(std::string_view text) {
  return between_marks(between_marks(escape_html(text), '`', "code"), '*',
                       "em");
}

}  // namespace

std::string words_section() {
  constexpr std::string_view kOpen = "- **";
  constexpr std::string_view kClose = "**: ";
  std::string list;
  std::string_view rest = glossary_page();
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const auto end = line.find(kClose);
    if (line.starts_with(kOpen) && end != std::string_view::npos) {
      list += fmt::format(
          "<dt>{}</dt><dd>{}</dd>\n",
          escape_html(line.substr(kOpen.size(), end - kOpen.size())),
          inline_html(line.substr(end + kClose.size())));
    }
  }
  return html_section("words", "Words",
                      "<dl class=\"words\">\n" + list + "</dl>\n");
}

}  // namespace veer
