// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cli/command.h"

namespace veer::cli {

struct JudgeOptions {
  std::filesystem::path run;
  std::int64_t answers = 200;
  std::int64_t seed = 0;
  bool self = false;
  bool choice = false;
  std::string endpoint;
  std::string endpoint_model;
  std::string key_env;
  double timeout = 60.0;
  std::int64_t retries = 5;
  double first_wait = 1.0;
  double requests_per_minute = 0.0;
  double price = 0.0;  // per million tokens
  bool yes = false;
  std::filesystem::path sheet_out;
  std::filesystem::path sheet_in;
};

[[gnu::weak]] void run_judge(const JudgeOptions& options, Session& session);

}  // namespace veer::cli
