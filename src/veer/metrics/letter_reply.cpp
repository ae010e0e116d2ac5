// SPDX-License-Identifier: MIT
#include "veer/metrics/letter_reply.h"

#include <algorithm>
#include <cctype>

#include "veer/text/chat/thinking.h"

namespace veer {
namespace {

// What stands around a letter and says nothing.
constexpr std::string_view kWrapping = " \t\r\n*_`'\"()[]{}.,:;<>$";
// What may stand between "answer" and its letter.
constexpr std::string_view kLink = " \t\r\n*_`'\"()[]{}:=";

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c));
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kWrapping);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kWrapping) - begin + 1);
}

int place_of(char c, std::size_t count) {
  const int place = lower(c) - 'a';
  return is_letter(c) && place < static_cast<int>(count) ? place : -1;
}

bool stands_alone(std::string_view text, std::size_t at) {
  return (at == 0 || !is_word(text[at - 1])) &&
         (at + 1 == text.size() || !is_word(text[at + 1]));
}

// "A refusal", where no letter is named; "A is right" names one.
bool is_article(std::string_view text, std::size_t at) {
  const auto rest = text.substr(at + 1);
  if (lower(text[at]) != 'a' || rest.size() < 2 || rest[0] != ' ' ||
      !is_lower(rest[1])) {
    return false;
  }
  const auto word = rest.substr(
      1, rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz", 1) - 1);
  return word != "is" && word != "because" && word != "fits" && word != "or" &&
         word != "and";
}

// The letter that follows a word such as "answer" at `at`, -1 when none does.
int letter_behind(std::string_view text, std::size_t at, std::size_t count) {
  for (;;) {
    at = text.find_first_not_of(kLink, at);
    if (at == std::string_view::npos) {
      return -1;
    }
    if (text.substr(at).starts_with("is ") ||
        text.substr(at).starts_with("is:")) {
      at += 2;
    } else {
      break;
    }
  }
  const auto rest = text.substr(at + 1);
  const bool is_one_of_two =
      rest.starts_with(" or ") || rest.starts_with(" and ");
  return stands_alone(text, at) && !is_article(text, at) && !is_one_of_two
             ? place_of(text[at], count)
             : -1;
}

int declared_letter(std::string_view text, std::size_t count) {
  std::string small(text);
  std::ranges::transform(small, small.begin(), lower);
  int found = -1;
  std::size_t found_at = 0;
  for (const std::string_view sign : {"answer", "boxed"}) {
    for (auto at = small.find(sign); at != std::string::npos;
         at = small.find(sign, at + 1)) {
      const int letter = letter_behind(text, at + sign.size(), count);
      if (letter >= 0 && at >= found_at) {
        found = letter;
        found_at = at;
      }
    }
  }
  return found;
}

int only_capital(std::string_view text, std::size_t count) {
  int found = -1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_lower(text[i]) || !stands_alone(text, i) || is_article(text, i)) {
      continue;
    }
    const int place = place_of(text[i], count);
    if (place >= 0 && found >= 0 && place != found) {
      return -1;
    }
    found = std::max(found, place);
  }
  return found;
}

}  // namespace

std::string without_thoughts(std::string_view reply) {
  if (const auto marks = find_think_marks(reply)) {
    const auto block = last_think_span(reply, 0, reply.size(), *marks);
    if (block.opened || block.closed) {
      reply.remove_prefix(block.behind);
    }
  }
  return std::string(reply);
}

int letter_of(std::string_view reply, std::size_t count) {
  const std::string said = without_thoughts(reply);
  const auto text = trimmed(said);
  if (text.size() == 1) {
    return place_of(text[0], count);
  }
  const int declared = declared_letter(text, count);
  return declared >= 0 ? declared : only_capital(text, count);
}

}  // namespace veer
