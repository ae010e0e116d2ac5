// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cli/command.h"

namespace veer::cli {

struct ConvertOptions {
  std::filesystem::path in;
  std::filesystem::path out;
  std::string to;               // empty = by the ending of `out`
  std::filesystem::path model;  // folder with config.json
  std::string model_type;       // wins over the model's
  std::int64_t layer_offset = 0;
  std::optional<std::int64_t> layer;  // of a file with one direction
  // What strength 1 in the other tool shall be; empty = as extracted.
  std::optional<double> scale;
  std::string unit = "raw";
  std::string layers = "all";
  std::string budget = "full";
  std::string side = "base";
};

[[gnu::weak]] void run_convert(const ConvertOptions& options, Session& session);

}  // namespace veer::cli
