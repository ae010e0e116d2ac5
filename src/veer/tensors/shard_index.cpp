// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/tensors/safetensors_header.h"

namespace veer {
namespace {

void check_shard_name(const std::string& name, std::string_view origin) {
  if (name.empty() || name == "." || name.find("..") != std::string::npos ||
      name.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos) {
    fail("read shard index",
         fmt::format("{}: weight_map points to '{}'", origin, name),
         "a plain file name in the same folder");
  }
}

}  // namespace

std::map<std::string, std::string> parse_shard_index(std::string_view json,
                                                     std::string_view origin) {
  const Json index = parse_json(json, origin);
  if (!index.is_object() || !index.contains("weight_map") ||
      !index["weight_map"].is_object()) {
    fail("read shard index", fmt::format("{} has no weight_map", origin),
         "an object that maps tensor names to files");
  }
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : index["weight_map"].items()) {
    if (!file.is_string()) {
      fail("read shard index",
           fmt::format("{}: weight_map of {} is no string", origin, tensor),
           "a file name");
    }
    check_shard_name(file.get<std::string>(), origin);
    files[tensor] = file.get<std::string>();
  }
  return files;
}

}  // namespace veer
