// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>

#include "cli/command.h"
#include "veer/organism/pretrain_options.h"

namespace veer::cli {

struct PretrainCommand {
  organism::PretrainOptions pretrain;
  std::filesystem::path out;           // folder to write
  std::filesystem::path measure;       // folder to evaluate instead
  std::filesystem::path steerability;  // folder to steer instead
  std::int64_t count = 400;            // texts per measured mode
  std::int64_t threads = 0;
};

[[gnu::weak]] void run_pretrain(const PretrainCommand& options,
                                Session& session);

}  // namespace veer::cli
