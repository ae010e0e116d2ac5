// SPDX-License-Identifier: MIT
//
// Numbers as a person reads them, rounded. What rounds to nothing has no minus.
#pragma once

#include <string>

namespace veer {

// "-0.25" with two decimals, "0" of -0.3 with none.
std::string rounded(double value, int decimals);
// "+0.25", "+0" of -0.3.
std::string signed_rounded(double value, int decimals);
// A p with three decimals; "<0.001" of what would be 0.000, which none is.
std::string p_text(double p);

}  // namespace veer
