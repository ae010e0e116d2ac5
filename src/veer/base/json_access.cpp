// SPDX-License-Identifier: MIT
#include "veer/base/json_access.h"

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

std::string string_member(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

}  // namespace veer
