// SPDX-License-Identifier: MIT
#include "veer/base/json.h"

#include <sstream>

#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <toml++/toml.h>

#include "veer/base/error.h"

namespace veer {
namespace {

Json from_toml(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    Json out = Json::object();
    for (const auto& [key, value] : *table) {
      out[std::string(key.str())] = from_toml(value);
    }
    return out;
  }
  if (const auto* array = node.as_array()) {
    Json out = Json::array();
    for (const auto& value : *array) {
      out.push_back(from_toml(value));
    }
    return out;
  }
  if (const auto* value = node.as_string()) {
    return value->get();
  }
  if (const auto* value = node.as_integer()) {
    return value->get();
  }
  if (const auto* value = node.as_floating_point()) {
    return value->get();
  }
  if (const auto* value = node.as_boolean()) {
    return value->get();
  }
  std::ostringstream text;
  node.visit([&](const auto& value) {
    if constexpr (!toml::is_table<decltype(value)> &&
                  !toml::is_array<decltype(value)>) {
      text << value.get();
    }
  });
  return text.str();
}

}  // namespace

Json parse_json(std::string_view text, std::string_view origin) {
  // The parser below takes a NUL for the end of its input.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    fail("parse JSON", fmt::format("{}: byte {} is a NUL", origin, nul),
         "valid JSON");
  }
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    fail("parse JSON", fmt::format("{}: {}", origin, e.what()), "valid JSON");
  }
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json parse_toml(std::string_view text, std::string_view origin) {
  try {
    return from_toml(toml::parse(text, origin));
  } catch (const toml::parse_error& e) {
    fail(
        "parse TOML",
        fmt::format("{}, line {}, column {}: {}", origin, e.source().begin.line,
                    e.source().begin.column, e.description()),
        "valid TOML");
  }
}

}  // namespace veer
