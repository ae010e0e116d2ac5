// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "veer/vectors/measure.h"

namespace veer {

// "; not decidable here: with 16 topics or clusters of questions the narrowest
// interval is 27 points to either side", where a change of a share over the
// measure's questions and units could never be shown to be within `margin`;
// otherwise empty.
std::string undecidable_text(const Measure& measure, double margin);

}  // namespace veer
