// SPDX-License-Identifier: MIT
#include "cli/shown_text.h"

#include <fmt/core.h>

#include "veer/text/unicode.h"

namespace veer::cli {
namespace {

bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

std::string written_out(char32_t code) {
  switch (code) {
    case U'\n':
      return "\\n";
    case U'\t':
      return "\\t";
    case U'\r':
      return "\\r";
    default:
      return fmt::format("\\x{:02x}", static_cast<unsigned>(code));
  }
}

std::string shown(std::string_view text, std::u32string_view kept) {
  const std::string valid = to_valid_utf8(text);
  std::string out;
  for (std::size_t at = 0; at < valid.size();) {
    const std::size_t begin = at;
    const char32_t code = next_code_point(valid, at);
    if (is_control(code) && kept.find(code) == std::u32string_view::npos) {
      out += written_out(code);
    } else {
      out.append(valid, begin, at - begin);
    }
  }
  return out;
}

}  // namespace

std::string shown_text(std::string_view text) {
  return shown(text, U"\n\t");
}

std::string shown_token(std::string_view text) {
  return shown(text, U"");
}

}  // namespace veer::cli
