// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace veer {

// What a reader has to know of an embedded model before its numbers, in words;
// empty for any other. `model` as in model.path ("organism:control").
std::string model_note(const std::string& model);

}  // namespace veer
