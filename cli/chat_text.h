// SPDX-License-Identifier: MIT
//
// What `veer steer` says about its settings, for people.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "veer/settings/steering_settings.h"

namespace veer::cli {

// One sentence without its full stop: what is done to which model, or what
// waits for a vector.
std::string settings_line(const SteeringSettings& settings);

using Fact = std::pair<std::string, std::string>;

// Every setting with its value and meaning, then the facts; 80 columns.
std::string settings_table(const SteeringSettings& settings,
                           std::span<const Fact> facts);

}  // namespace veer::cli
