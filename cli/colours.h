// SPDX-License-Identifier: MIT
//
// Numbers of tokens as colours of a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace veer::cli {

enum class ColourDepth : std::uint8_t { kNone, k256, kTrue };

// What a terminal with these variables of the environment can show (null =
// not set). kNone without a terminal, when NO_COLOR is set to anything but an
// empty text (no-color.org), and where neither COLORTERM (truecolor, 24bit)
// nor TERM (...-direct, ...256color) promises 256 colours.
ColourDepth colour_depth(bool is_terminal, const char* no_color,
                         const char* colorterm, const char* term);

// `text` (without control characters) on a background from blue (z = -2.5 or
// less) over dark grey to orange (z = 2.5 or more), the text itself in black or
// white, whichever has the greater contrast: at least 4.5 to 1 (WCAG 2 AA).
// Without colours the number stands behind it: "word[+1.2]".
std::string coloured(std::string_view text, double z, ColourDepth depth);

}  // namespace veer::cli
