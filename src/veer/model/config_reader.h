// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"

namespace veer {

// One object of a config.json, read key by key with the type and range that
// the key must have. A key that is missing or null counts as absent. Every
// getter throws Error{kBadInput} naming origin and key.
class ConfigReader {
 public:
  // `path` is what stands before the key in messages ("rope_scaling.").
  ConfigReader(const Json& object, std::string_view origin,
               std::string path = "");

  bool has(const std::string& key) const;
  std::int64_t integer(const std::string& key, std::int64_t low,
                       std::int64_t high) const;
  std::int64_t integer(const std::string& key, std::int64_t low,
                       std::int64_t high, std::int64_t absent) const;
  double number(const std::string& key, double low, double high) const;
  double number(const std::string& key, double low, double high,
                double absent) const;
  bool boolean(const std::string& key, bool absent) const;
  std::string string(const std::string& key, std::string_view absent) const;
  std::vector<std::string> strings(const std::string& key) const;
  std::vector<double> numbers(const std::string& key) const;
  // One integer or a list of them; empty when absent.
  std::vector<std::int64_t> integers(const std::string& key) const;
  // The object under `key`, as a reader of its own.
  std::optional<ConfigReader> object(const std::string& key) const;
  std::vector<std::string> keys() const;
  // Whether the key is there and null.
  bool is_null(const std::string& key) const;
  const Json& json() const { return *object_; }
  const std::string& origin() const { return origin_; }

  // Throws Error{kBadInput}: "<origin>: <key> <what>".
  [[noreturn]] void refuse(const std::string& key, std::string_view what,
                           std::string_view expected = {},
                           std::string_view cause = {}) const;

 private:
  const Json* find(const std::string& key) const;
  const Json& need(const std::string& key) const;

  const Json* object_;
  std::string origin_;
  std::string path_;
};

}  // namespace veer
