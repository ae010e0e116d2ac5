// SPDX-License-Identifier: MIT
//
// Parts of the section on directions: how sure each of them is, from keys of
// comparison.json. A part whose key is not there is empty.
#pragma once

#include <cstdint>
#include <string>

#include "veer/base/json.h"

namespace veer {

// Keys "vectors" and "direction_halves": how much of each returns when it is
// made from other questions.
std::string reliability_block(const Json& comparison);
// Key "sample_size": how that and the pair's cosine grow with the questions.
std::string sample_size_block(const Json& comparison, std::int64_t layer);
// Key "directions": what an adapter wrote and gradients trained, beside the
// vectors.
std::string directions_block(const Json& comparison);

// The entry of a list by layer, or null.
const Json& at_layer(const Json& by_layer, std::int64_t layer);

}  // namespace veer
