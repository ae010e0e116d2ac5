// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"

namespace veer::cli {

struct SteerOptions {
  std::string question;  // empty = interactive chat
  std::filesystem::path run;
  std::string model;
  std::filesystem::path adapter;
  std::string template_vars;
  std::string device = "auto";
  std::string dtype = "auto";
  std::int64_t threads = 0;
  // Names and texts of settings, as in /scale 2.
  std::vector<std::pair<std::string, std::string>> settings;
  bool tuned = false;
};

[[gnu::weak]] void run_steer(const SteerOptions& options, Session& session);

}  // namespace veer::cli
