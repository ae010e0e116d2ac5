// SPDX-License-Identifier: MIT
//
// Parts of the section on steering, each from one key of sweep.json. A part
// whose key is not there is empty.
#pragma once

#include <string>

#include "veer/base/json.h"

namespace veer {

// What an operator, scale, unit and layer choice are called in a table.
std::string place_text(const Json& entry);

// Key "proof": that the model did what the operators say.
std::string proof_block(const Json& sweep);
// Key "groups": the best of each class of operators, and mixtures.
std::string groups_block(const Json& sweep);
// Key "controls": copied states, system prompts, adapter strengths.
std::string controls_block(const Json& sweep);

}  // namespace veer
