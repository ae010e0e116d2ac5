// SPDX-License-Identifier: MIT
//
// Claims about directions alone: do they exist (G1, G2), do they align (H1),
// are their cosines chance (H8).
#pragma once

#include <string>
#include <vector>

#include "veer/claims/hypotheses.h"
#include "veer/vectors/compare.h"

namespace veer {

// G1, G2, H1, H8 of the pair that the names mean; `comparison` null where
// nothing was compared.
std::vector<HypothesisResult> direction_claims(const Comparison* comparison,
                                               const std::string& contrastive,
                                               const std::string& finetuned);

// The pair of two names, in either order; null if it was not compared.
const PairComparison* pair_of(const Comparison& comparison,
                              const std::string& a, const std::string& b);

// The largest |cosine| over layers, with its simultaneous band.
Measure strongest_cosine(const PairComparison& pair);

}  // namespace veer
