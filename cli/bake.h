// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cli/command.h"

namespace veer::cli {

struct BakeOptions {
  std::filesystem::path model;    // base
  std::filesystem::path adapter;  // merge this
  std::filesystem::path vector;   // take a direction of this out, or
  std::string layer;              // whose direction
  double share = 1.0;             // of the direction
  std::filesystem::path tuned;    // extract an adapter from this
  std::int64_t rank = 32;         // of the extracted adapter
  std::filesystem::path out;
};

[[gnu::weak]] void run_bake(const BakeOptions& options, Session& session);

}  // namespace veer::cli
