// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "veer/base/json.h"

namespace veer {

// A number of the comparison with its interval, or the reason why there is
// none. Never NaN: what is undefined has no value and says why.
struct Measure {
  std::optional<double> value;
  std::optional<double> low;
  std::optional<double> high;
  std::int64_t n = 0;
  // Units (topics, clusters) that the interval is over; 0 = not known.
  std::int64_t clusters = 0;
  std::string reason;  // "direction not established", empty if there is one

  bool established() const { return value.has_value(); }
  static Measure none(std::string why, std::int64_t n = 0) {
    Measure m;
    m.n = n;
    m.reason = std::move(why);
    return m;
  }
};

// {"value", "low", "high", "n", "reason"}; null where there is none. And
// "clusters" where units are known.
Json measure_json(const Measure& measure);
// The number, or null.
Json optional_json(const std::optional<double>& value);

}  // namespace veer
