// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string_view>

namespace veer {

// Whether a file's name ends so, in capitals too; `ending` is in small letters.
inline bool has_ending(std::string_view name, std::string_view ending) {
  return name.size() >= ending.size() &&
         std::equal(
             ending.begin(), ending.end(), name.end() - ending.size(),
             [](char a, char b) {
               return a ==
                      (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
             });
}

}  // namespace veer
