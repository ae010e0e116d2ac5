// SPDX-License-Identifier: MIT
#include "veer/model/config_reader.h"

#include <utility>

#include <fmt/format.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// What a value is, shortened: a hostile file may hold a long one.
std::string describe(const Json& value) {
  std::string text = dump_json(value);
  if (text.size() > 60) {
    text = text.substr(0, 57) + "...";
  }
  return text;
}

}  // namespace

ConfigReader::ConfigReader(const Json& object, std::string_view origin,
                           std::string path)
    : object_(&object), origin_(origin), path_(std::move(path)) {}

void ConfigReader::refuse(const std::string& key, std::string_view what,
                          std::string_view expected,
                          std::string_view cause) const {
  fail("read model config",
       fmt::format("{}: \"{}{}\" {}", origin_, path_, key, what), expected,
       cause);
}

const Json* ConfigReader::find(const std::string& key) const {
  const auto it = object_->find(key);
  return it == object_->end() || it->is_null() ? nullptr : &*it;
}

const Json& ConfigReader::need(const std::string& key) const {
  const Json* value = find(key);
  if (value == nullptr) {
    refuse(key, "is missing", "a value", "not the config.json of a model");
  }
  return *value;
}

bool ConfigReader::has(const std::string& key) const {
  return find(key) != nullptr;
}

bool ConfigReader::is_null(const std::string& key) const {
  const auto it = object_->find(key);
  return it != object_->end() && it->is_null();
}

std::int64_t ConfigReader::integer(const std::string& key, std::int64_t low,
                                   std::int64_t high) const {
  const Json& value = need(key);
  const std::string expected = fmt::format("an integer in {}..{}", low, high);
  if (!value.is_number_integer()) {
    refuse(key, "is " + describe(value), expected);
  }
  const auto too_big = value.is_number_unsigned() &&
                       value.get<std::uint64_t>() > std::uint64_t{1} << 62;
  const std::int64_t number = too_big ? high : value.get<std::int64_t>();
  if (too_big || number < low || number > high) {
    refuse(key, "is " + describe(value), expected);
  }
  return number;
}

std::int64_t ConfigReader::integer(const std::string& key, std::int64_t low,
                                   std::int64_t high,
                                   std::int64_t absent) const {
  return has(key) ? integer(key, low, high) : absent;
}

double ConfigReader::number(const std::string& key, double low,
                            double high) const {
  const Json& value = need(key);
  const double number = value.is_number() ? value.get<double>() : low - 1.0;
  if (!(number >= low && number <= high)) {
    refuse(key, "is " + describe(value),
           fmt::format("a number in {}..{}", low, high));
  }
  return number;
}

double ConfigReader::number(const std::string& key, double low, double high,
                            double absent) const {
  return has(key) ? number(key, low, high) : absent;
}

bool ConfigReader::boolean(const std::string& key, bool absent) const {
  const Json* value = find(key);
  if (value != nullptr && !value->is_boolean()) {
    refuse(key, "is " + describe(*value), "true or false");
  }
  return value == nullptr ? absent : value->get<bool>();
}

std::string ConfigReader::string(const std::string& key,
                                 std::string_view absent) const {
  const Json* value = find(key);
  if (value != nullptr && !value->is_string()) {
    refuse(key, "is " + describe(*value), "a string");
  }
  return value == nullptr ? std::string(absent) : value->get<std::string>();
}

std::vector<std::string> ConfigReader::strings(const std::string& key) const {
  std::vector<std::string> result;
  const Json* value = find(key);
  if (value == nullptr) {
    return result;
  }
  if (!value->is_array()) {
    refuse(key, "is " + describe(*value), "a list of strings");
  }
  for (const Json& item : *value) {
    if (!item.is_string()) {
      refuse(key, "holds " + describe(item), "a list of strings");
    }
    result.push_back(item.get<std::string>());
  }
  return result;
}

std::vector<double> ConfigReader::numbers(const std::string& key) const {
  std::vector<double> result;
  const Json& value = need(key);
  if (!value.is_array()) {
    refuse(key, "is " + describe(value), "a list of numbers");
  }
  for (const Json& item : value) {
    if (!item.is_number()) {
      refuse(key, "holds " + describe(item), "a list of numbers");
    }
    result.push_back(item.get<double>());
  }
  return result;
}

std::vector<std::int64_t> ConfigReader::integers(const std::string& key) const {
  std::vector<std::int64_t> result;
  const Json* value = find(key);
  if (value == nullptr) {
    return result;
  }
  const auto add = [&](const Json& item) {
    if (!item.is_number_integer()) {
      refuse(key, "is " + describe(*value), "an integer or a list of them");
    }
    result.push_back(item.get<std::int64_t>());
  };
  if (!value->is_array()) {
    add(*value);
    return result;
  }
  for (const Json& item : *value) {
    add(item);
  }
  return result;
}

std::optional<ConfigReader> ConfigReader::object(const std::string& key) const {
  const Json* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_object()) {
    refuse(key, "is " + describe(*value), "an object");
  }
  return ConfigReader(*value, origin_, path_ + key + ".");
}

std::vector<std::string> ConfigReader::keys() const {
  std::vector<std::string> result;
  for (const auto& item : object_->items()) {
    result.push_back(item.key());
  }
  return result;
}

}  // namespace veer
