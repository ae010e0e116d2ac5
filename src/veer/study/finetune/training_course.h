// SPDX-License-Identifier: MIT
//
// What the held-out questions said of a training, read from metrics.jsonl, for
// the log, the summary and the report alike.
#pragma once

#include <filesystem>
#include <string>

#include "veer/base/json.h"

namespace veer {

// {"steps", "kept": {"step", "loss"}, "last": {"step", "loss"}, "overfits"}:
// mean held-out loss per token of the adapter that is kept and of the last
// step; it overfits when the lowest of all evaluations lies at an earlier step
// and the last is more than 5 % above it ("best": {"step", "loss"}). Null
// without a finished training that was evaluated.
Json training_course(const std::filesystem::path& metrics);

// The course in a sentence or two, for people.
std::string training_sentence(const Json& course);

}  // namespace veer
