// SPDX-License-Identifier: MIT
//
// The cells of sweep.json without what they repeat: thousands of them say the
// same methods and numbers of questions a dozen times each.
#pragma once

#include "veer/base/json.h"

namespace veer {

// Takes out of every estimate of every cell (an object with "value" and
// "method") its "n" where that is the cell's, and its "method" where that is
// the one returned for its key; an estimate that is not defined goes as a
// whole, and so does any other null but "layer" and "random". Nothing else
// changes: what was taken out can be put back.
// Returns the methods, {"induction": "newcombe 95%", ...}: of each key that of
// the first cell that has one.
Json make_lean(Json& cells);

}  // namespace veer
