// SPDX-License-Identifier: MIT
//
// How numbers are written for a reader: always with their interval and n, and
// "not established" where a number would mean nothing.
#pragma once

#include <string>

#include "veer/base/json.h"
#include "veer/base/json_access.h"

namespace veer {

// 0.437 -> "44 %"; null -> "not defined".
std::string percent(const Json& share);
// 0.437 -> "+44 points".
std::string points(const Json& change);
// "0.31"; null -> "not established".
std::string decimal(const Json& value, int digits = 2);
// "0.031", "<0.001"; null -> "not established".
std::string p_value(const Json& p);
// An Estimate: "44 % [31, 58]", or points with a sign.
std::string percent_estimate(const Json& estimate);
std::string points_estimate(const Json& estimate);
std::string decimal_estimate(const Json& estimate);

// How many questions an estimate is of, and of how many units (topics,
// clusters) where its interval is over those: "160 (58 units)".
std::string n_of(const Json& estimate);

// object[key] as text; numbers without trailing zeros; "" for null.
std::string text_of(const Json& object, const char* key);

}  // namespace veer
