// SPDX-License-Identifier: MIT
#include "cli/wrapped.h"

#include <algorithm>

namespace veer::cli {
namespace {

bool begins_code_point(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
}

std::string wrapped_line(std::string_view line, std::size_t hang,
                         std::size_t columns) {
  if (columns_of(line) <= columns) {
    return std::string(line);
  }
  const auto indent = std::min(line.find_first_not_of(' '), line.size());
  std::string out(line.substr(0, indent));
  std::size_t used = indent;
  bool is_first = true;
  for (std::size_t at = indent; at < line.size();) {
    const auto begin = line.find_first_not_of(' ', at);
    if (begin == std::string_view::npos) {
      break;
    }
    const auto end = std::min(line.find(' ', begin), line.size());
    // Several spaces are a column of a table; they stay within a line.
    const std::size_t gap = is_first ? 0 : begin - at;
    const auto word = line.substr(begin, end - begin);
    if (!is_first && used + gap + columns_of(word) > columns) {
      out += "\n" + std::string(indent + hang, ' ');
      used = indent + hang;
    } else {
      out += std::string(gap, ' ');
      used += gap;
    }
    out += word;
    used += columns_of(word);
    is_first = false;
    at = end;
  }
  return out;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, begins_code_point));
}

std::string cut_to(std::string_view text, std::size_t columns) {
  std::size_t at = 0;
  for (std::size_t used = 0; at < text.size(); ++at) {
    if (begins_code_point(text[at]) && used++ == columns) {
      break;
    }
  }
  return std::string(text.substr(0, at));
}

std::string wrapped(std::string_view text, std::size_t hang,
                    std::size_t columns) {
  std::string out;
  while (true) {
    const auto end = text.find('\n');
    out += wrapped_line(text.substr(0, end), hang, columns);
    if (end == std::string_view::npos) {
      return out;
    }
    out += "\n";
    text.remove_prefix(end + 1);
  }
}

std::string two_columns(std::string_view left, std::string_view right,
                        std::size_t width) {
  return two_columns(left, right, width, kColumns);
}

std::string two_columns(std::string_view left, std::string_view right,
                        std::size_t width, std::size_t columns) {
  const std::string margin(width, ' ');
  const std::string lines = wrapped(right, 0, columns - width);
  std::string out(left);
  if (right.empty()) {
    return out + "\n";
  }
  const auto taken = columns_of(left);
  out += taken + 1 < width ? std::string(width - taken, ' ') : "\n" + margin;
  for (const char c : lines) {
    out += c;
    out += c == '\n' ? margin : "";
  }
  return out + "\n";
}

}  // namespace veer::cli
