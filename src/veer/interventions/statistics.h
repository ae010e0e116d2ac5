// SPDX-License-Identifier: MIT
//
// What an operator needs besides a direction, from the rows that the vector
// was made of.
#pragma once

#include <cstdint>

#include "veer/interventions/intervention.h"
#include "veer/vectors/vector_rows.h"

namespace veer {

struct StatisticsOptions {
  std::int64_t rank = 4;    // subspace, low_rank: directions; fewer if the
                            // rows have a smaller rank
  double shrinkage = -1.0;  // of the covariance (leace), < 0 = Ledoit-Wolf
};

// Fills in `input` what `need` asks for; what is there already stays.
//   class means   mean of the rows of either side
//   LEACE         S = covariance of all rows around their mean, shrunk;
//                 g = S^-1 v, the mean of all rows
//   condition     the direction itself, when none was given
//   subspace      top right singular vectors of positive - negative
//   low_rank      R as subspace; W = A R and b by least squares, so that
//                 A (R h-) + b is nearest to R h+ over the rows (ridge 1e-3)
// A second vector is never made up: rotating needs one by name.
// Throws Error when the rows are of another shape.
void add_statistics(SteeringInput& input, OperatorNeed need,
                    const VectorRows& rows,
                    const StatisticsOptions& options = {});

}  // namespace veer
