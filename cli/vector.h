// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include "cli/command.h"
#include "veer/settings/dataset_settings.h"

namespace veer::cli {

struct VectorOptions {
  std::string model;
  std::string template_vars;
  std::filesystem::path pairs;
  std::filesystem::path out;
  std::string contrast;  // empty = by the position
  std::string method = "mean_diff";
  std::string position = "answer_mean";
  std::string site = "resid_post";
  std::vector<std::string> layers;
  std::int64_t max_pairs = 0;
  std::string honest_prompt = DatasetSettings{}.honest_prompt;
  std::string deceptive_prompt = DatasetSettings{}.deceptive_prompt;
  DatasetSettings reading;
  std::int64_t seed = 0;
  std::string device = "auto";
  std::string dtype = "auto";
  std::int64_t threads = 0;
};

[[gnu::weak]] void run_vector(const VectorOptions& options, Session& session);

}  // namespace veer::cli
