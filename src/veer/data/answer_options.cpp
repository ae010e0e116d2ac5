// SPDX-License-Identifier: MIT
#include "veer/data/answer_options.h"

#include "veer/data/conversation.h"
#include "veer/data/lines.h"

namespace veer {
namespace {

struct Marked {
  char letter;
  std::string_view rest;
};

// "(A) rest", "A) rest", "A. rest", "A: rest", or a letter alone.
std::optional<Marked> marked(std::string_view text) {
  const bool bracket = text.starts_with('(');
  text.remove_prefix(bracket ? 1 : 0);
  if (text.empty()) {
    return std::nullopt;
  }
  const char first = text[0];
  const bool small = first >= 'a' && first <= 'z';
  if (!small && (first < 'A' || first > 'Z')) {
    return std::nullopt;
  }
  const char letter = small ? static_cast<char>(first - 32) : first;
  text.remove_prefix(1);
  if (text.empty()) {
    return bracket ? std::nullopt : std::optional<Marked>({letter, text});
  }
  const bool closed =
      text[0] == ')' || (!bracket && (text[0] == '.' || text[0] == ':'));
  return closed ? std::optional<Marked>({letter, text.substr(1)})
                : std::nullopt;
}

}  // namespace

std::optional<char> option_letter(std::string_view answer) {
  const std::string text = trimmed(answer);
  const auto found = marked(text);
  return found && found->rest.empty() ? std::optional(found->letter)
                                      : std::nullopt;
}

std::optional<std::string> option_text(std::string_view question, char letter) {
  std::optional<std::string> out;
  for_each_line(question, [&](std::string_view line, std::int64_t) {
    const std::string text = trimmed(line);
    const auto found = marked(text);
    if (found && found->letter == letter && !found->rest.empty()) {
      out = trimmed(found->rest);
    }
  });
  return out && out->empty() ? std::nullopt : out;
}

}  // namespace veer
