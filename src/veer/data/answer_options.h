// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace veer {

// The letter of an answer that is nothing but one: "(A)", "B)", "C.", "d".
std::optional<char> option_letter(std::string_view answer);

// The text of an option that a question lists on a line of its own, "(A) Yes"
// or "A) Yes" or "A. Yes", without white space around; nothing where the
// question has no such line.
std::optional<std::string> option_text(std::string_view question, char letter);

}  // namespace veer
