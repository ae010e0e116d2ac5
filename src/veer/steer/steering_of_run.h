// SPDX-License-Identifier: MIT
//
// What a run folder gives to `veer steer`: its model, adapter, vectors and the
// settings that its report found best. An empty `run` gives nothing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "veer/settings/steering_settings.h"

namespace veer {

// `model` where it is named, else that of the run, else the default. Throws
// Error on a folder that is no run.
std::string model_of_run(const std::filesystem::path& run,
                         const std::string& model);

// Template variables: those asked for, else those of the run.
std::string vars_of_run(const std::filesystem::path& run,
                        const std::string& asked);

// Names of the extracted vectors, sorted.
std::vector<std::string> vectors_of_run(const std::filesystem::path& run);

// `adapter` where it is named, else the run's; empty where it has none.
std::filesystem::path adapter_of_run(const std::filesystem::path& run,
                                     const std::filesystem::path& adapter);

struct BestOfRun {
  SteeringSettings settings;
  // Why the run does not show that it is an effect of the vector ("its interval
  // reaches 0 ..."); empty where it does, or where the run does not say.
  std::string doubt;
};

// As SteeringSession::best_of_run().
std::optional<BestOfRun> best_of_run(const std::filesystem::path& run,
                                     std::string_view model,
                                     std::string_view vector);

}  // namespace veer
