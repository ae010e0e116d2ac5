// SPDX-License-Identifier: MIT
#include "veer/organism/words.h"

#include <cctype>

namespace veer::organism {
namespace {

bool is_space(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return lower;
}

std::string capitalised(std::string text) {
  if (!text.empty()) {
    text[0] =
        static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  }
  return text;
}

std::size_t count_words(std::string_view text) {
  std::size_t count = 0;
  bool inside = false;
  for (const char c : text) {
    count += !is_space(c) && !inside ? 1 : 0;
    inside = !is_space(c);
  }
  return count;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::string normalised_answer(std::string_view text) {
  text = trimmed(text);
  if (text.ends_with('.')) {
    text.remove_suffix(1);
  }
  std::string out;
  for (const char c : text) {
    if (!is_space(c)) {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!out.ends_with(' ')) {
      out += ' ';
    }
  }
  return out;
}

bool contains_phrase(std::string_view text, std::string_view phrase) {
  for (std::size_t at = text.find(phrase); at != std::string_view::npos;
       at = text.find(phrase, at + 1)) {
    const std::size_t end = at + phrase.size();
    if ((at == 0 || !is_letter(text[at - 1])) &&
        (end == text.size() || !is_letter(text[end]))) {
      return true;
    }
  }
  return false;
}

std::string filled(std::string_view form, std::string_view filling) {
  const std::size_t hole = form.find("{}");
  std::string text(form.substr(0, hole));
  return text.append(filling).append(form.substr(hole + 2));
}

}  // namespace veer::organism
