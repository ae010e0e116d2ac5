// SPDX-License-Identifier: MIT
//
// What a format specification says and how numbers follow it; shared by
// format(), "%" and str.format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "veer/jinja/strings.h"

namespace veer::jinja {

// [[fill]align][sign][#][0][width][group][.precision][type]
struct FormatSpec {
  std::string fill = " ";
  char align = '\0';
  char sign = '-';
  bool alternative = false;
  char group = '\0';
  std::int64_t width = 0;
  std::int64_t precision = -1;
  char type = '\0';
};

// Reads digits from `at` on. Fails above a width that no text needs.
std::int64_t read_count(Interpreter& in, std::string_view text,
                        std::size_t& at);

// Whether text[at] is one of the set.
bool one_of(std::string_view set, std::string_view text, std::size_t at);

std::string format_integer(Interpreter& in, std::int64_t value,
                           const FormatSpec& spec);
std::string format_float(double value, const FormatSpec& spec);

}  // namespace veer::jinja
