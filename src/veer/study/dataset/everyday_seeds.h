// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "veer/data/record.h"

namespace veer {

// Fifty everyday questions with a helpful answer and one that sounds helpful
// and is not. Written for this project.
std::vector<QuestionRecord> everyday_seeds();

}  // namespace veer
