// SPDX-License-Identifier: MIT
#include "veer/base/device_name.h"

#include <charconv>

#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {

DeviceName parse_device_name(std::string_view name, std::string_view where) {
  if (name == "auto" || name == "cpu" || name == "cuda" || name == "mps") {
    return {std::string(name), {}};
  }
  constexpr std::string_view kNumbered = "cuda:";
  if (name.starts_with(kNumbered)) {
    const auto digits = name.substr(kNumbered.size());
    // Torch counts devices in a byte.
    std::uint8_t index = 0;
    const auto* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, index);
    if (error == std::errc() && rest == end && index < 128) {
      return {"cuda", index};
    }
  }
  fail("check settings", fmt::format("{} is \"{}\"", where, name),
       "auto, cpu, cuda or cuda:N with the number N of a card, from 0");
}

}  // namespace veer
