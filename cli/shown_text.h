// SPDX-License-Identifier: MIT
//
// Text that a model wrote, as a person's terminal may get it.
#pragma once

#include <string>
#include <string_view>

namespace veer::cli {

// Escape sequences move the cursor, rename the window and on some terminals
// type for the person. So every control character (U+0000-001F, U+007F-009F)
// is written out: \r, or \x1b for the one with that number; broken UTF-8 is
// replaced by U+FFFD. Newline and tab stay. For people: a backslash of the
// text itself is not doubled.
std::string shown_text(std::string_view text);

// The same on one line: newline and tab are written out too.
std::string shown_token(std::string_view text);

}  // namespace veer::cli
