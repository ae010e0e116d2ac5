// SPDX-License-Identifier: MIT
//
// Questions that come in clusters (topics), which err together: coverage of the
// intervals over clusters, beside that of intervals that take each question for
// independent.
#pragma once

#include <functional>
#include <vector>

#include "veer/base/json.h"

// The cosine of two vectors, shares and differences of shares.
std::vector<std::function<veer::Json()>> clustered_jobs(double effort);
// Lowest, highest and mean coverage, by kind and way.
veer::Json clustered_summary(const veer::Json& rows);
