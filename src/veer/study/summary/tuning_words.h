// SPDX-License-Identifier: MIT
//
// What a control fine-tune says about the study's own, in words, from an entry
// of "control_tunings" in comparison.json; for summary and report alike.
#pragma once

#include <string>

#include "veer/base/json.h"

namespace veer {

// "honest answers of the same questions": what a control is trained on.
std::string control_training(const std::string& control);

// "Tuning on honest answers of the same questions writes another direction:
// cosine with the study's own -0.30 to 0.22 over layers (honest)."
std::string control_sentence(const Json& tuning);

// What follows from it for the study's direction: of shuffled labels, half of
// which are deceptive, an equal direction is expected where the deceptive half
// makes it. Empty where nothing does.
std::string control_meaning(const Json& tuning);

}  // namespace veer
