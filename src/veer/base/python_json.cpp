// SPDX-License-Identifier: MIT
#include "veer/base/python_json.h"

#include <algorithm>
#include <array>
#include <string>

#include <nlohmann/json.hpp>

namespace veer {
namespace {

// Where the string that begins at `at` ends: behind its closing quote.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    at += text[at] == '\\' ? 1 : 0;
  }
  return std::min(at + 1, text.size());
}

std::string with_quoted_literals(std::string_view text) {
  constexpr std::array<std::string_view, 3> kLiterals = {"NaN", "-Infinity",
                                                         "Infinity"};
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    bool is_literal = false;
    if (text[at] == '"') {
      end = end_of_string(text, at);
    }
    for (const std::string_view literal : kLiterals) {
      if (text.substr(at, literal.size()) == literal) {
        end = at + literal.size();
        is_literal = true;
      }
    }
    const std::string_view part = text.substr(at, end - at);
    out += is_literal ? "\"" + std::string(part) + "\"" : std::string(part);
    at = end;
  }
  return out;
}

}  // namespace

Json parse_python_json(std::string_view text, std::string_view origin) {
  return parse_json(with_quoted_literals(text), origin);
}

}  // namespace veer
