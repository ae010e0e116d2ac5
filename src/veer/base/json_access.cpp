// SPDX-License-Identifier: MIT
#include "veer/base/json_access.h"

#include <limits>

#include <nlohmann/json.hpp>

namespace veer {

const Json& member(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) {
    return kNull;
  }
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

std::optional<double> number_member(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

double number_or_nan(const Json& object, const char* key) {
  return number_member(object, key)
      .value_or(std::numeric_limits<double>::quiet_NaN());
}

std::string string_member(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

}  // namespace veer
