// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.h"

namespace veer::cli {

struct DoctorOptions {
  std::filesystem::path out = "runs";  // where run folders are to be written
};

// One thing that was looked at.
struct Finding {
  std::string name;    // "memory"
  std::string text;    // what was found, in words
  std::string remedy;  // what to do about it; empty where nothing is wrong
  bool is_wrong = false;
};

// What the system says, without torch: machine, cores, memory, disk.
std::vector<Finding> examine_machine(const DoctorOptions& options);

// The table for people: 80 columns.
std::string doctor_text(const std::vector<Finding>& findings);

[[gnu::weak]] void run_doctor(const DoctorOptions& options, Session& session);

}  // namespace veer::cli
