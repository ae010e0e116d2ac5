// SPDX-License-Identifier: MIT
#include "veer/report/wording.h"

#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/number_text.h"

namespace veer {
namespace {

// Not broken into two lines.
std::string interval(const Json& estimate, double factor, int digits) {
  const Json& low = member(estimate, "low");
  const Json& high = member(estimate, "high");
  if (!low.is_number() || !high.is_number()) {
    return "";
  }
  return fmt::format(" [{},\u00a0{}]",
                     rounded(low.get<double>() * factor, digits),
                     rounded(high.get<double>() * factor, digits));
}

}  // namespace

std::string percent(const Json& share) {
  return share.is_number() ? rounded(100.0 * share.get<double>(), 0) + " %"
                           : "not defined";
}

std::string points(const Json& change) {
  return change.is_number()
             ? signed_rounded(100.0 * change.get<double>(), 0) + " points"
             : "not defined";
}

std::string decimal(const Json& value, int digits) {
  return value.is_number() && std::isfinite(value.get<double>())
             ? rounded(value.get<double>(), digits)
             : "not established";
}

std::string p_value(const Json& p) {
  return p.is_number() ? p_text(p.get<double>()) : "not established";
}

std::string percent_estimate(const Json& estimate) {
  return percent(member(estimate, "value")) + interval(estimate, 100.0, 0);
}

std::string points_estimate(const Json& estimate) {
  return points(member(estimate, "value")) + interval(estimate, 100.0, 0);
}

std::string decimal_estimate(const Json& estimate) {
  return decimal(member(estimate, "value")) + interval(estimate, 1.0, 2);
}

std::string n_of(const Json& estimate) {
  const std::string n = text_of(estimate, "n");
  const std::string units = text_of(estimate, "clusters");
  return units.empty() || units == "0" || units == n
             ? n
             : fmt::format("{} ({} units)", n, units);
}

std::string text_of(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (value.is_null()) {
    return "";
  }
  if (value.is_string()) {
    return value.get<std::string>();
  }
  if (value.is_number_float()) {
    return fmt::format("{:g}", value.get<double>());
  }
  return value.dump();
}

}  // namespace veer
