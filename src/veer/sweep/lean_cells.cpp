// SPDX-License-Identifier: MIT
#include "veer/sweep/lean_cells.h"

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"

namespace veer {
namespace {

bool is_estimate(const Json& value) {
  return value.is_object() && value.contains("value") &&
         value.contains("method");
}

bool says_nothing(const std::string& key, const Json& value) {
  return is_estimate(value)
             ? value["value"].is_null()
             : value.is_null() && key != "layer" && key != "random";
}

void make_lean(Json& cell, Json& methods) {
  std::vector<std::string> empty;
  const Json n = member(cell, "n");
  const Json clusters = member(cell, "clusters");
  for (auto& [key, value] : cell.items()) {
    if (says_nothing(key, value)) {
      empty.push_back(key);
    } else if (is_estimate(value)) {
      if (!methods.contains(key)) {
        methods[key] = value["method"];
      }
      if (value["method"] == methods[key]) {
        value.erase("method");
      }
      if (member(value, "n") == n) {
        value.erase("n");
      }
      if (member(value, "clusters") == clusters) {
        value.erase("clusters");
      }
    }
  }
  for (const auto& key : empty) {
    cell.erase(key);
  }
}

}  // namespace

Json make_lean(Json& cells) {
  Json methods = Json::object();
  for (auto& cell : cells) {
    make_lean(cell, methods);
  }
  return methods;
}

}  // namespace veer
