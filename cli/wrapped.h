// SPDX-License-Identifier: MIT
//
// Lines for a terminal of 80 columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace veer::cli {

inline constexpr std::size_t kColumns = 80;

// Each line broken between words at `columns`, one column per code point; a
// word that is longer stays whole. What follows a break is indented like its
// line and `hang` further. Text without long lines comes back as it is.
std::string wrapped(std::string_view text, std::size_t hang = 0,
                    std::size_t columns = kColumns);

// Code points of the text, and its first so many.
std::size_t columns_of(std::string_view text);
std::string cut_to(std::string_view text, std::size_t columns);

// "left    right", with `right` wrapped beside a column of `width`; below it
// where `left` does not fit. Ends with a newline.
std::string two_columns(std::string_view left, std::string_view right,
                        std::size_t width);
// The same in so many columns.
std::string two_columns(std::string_view left, std::string_view right,
                        std::size_t width, std::size_t columns);

}  // namespace veer::cli
