// SPDX-License-Identifier: MIT
//
// How good is a vector of n questions? Reliability and cosine of a pair as n
// grows, from the rows that are there: no forward pass.
#pragma once

#include <cstdint>
#include <vector>

#include "veer/base/json.h"
#include "veer/vectors/compare.h"

namespace veer {

// Mean over random subsets of n questions; low and high are the 2.5 % and
// 97.5 % points over the subsets (a spread of draws, no confidence interval:
// the subsets share questions, and at the largest n there is one).
struct SampleSizePoint {
  std::int64_t questions = 0;
  // Unbiased over plain squared norm of the mean, at most 1; below 0 when noise
  // is all there is.
  Measure reliability_a, reliability_b;
  // Plain cosine of the two vectors made of these questions.
  Measure cosine;
};

struct SampleSizeCurve {
  std::vector<std::int64_t> sizes;
  std::int64_t draws = 0;
  std::vector<std::vector<SampleSizePoint>> by_layer;  // [layer][size]
};

// Sizes 20, 40, 80, ... and all common questions of the two, `draws` subsets of
// each, the same for all layers and sizes nested. Sums in fp64, O(draws N D) a
// layer. Empty when a vector is no mean difference or there are fewer than 20
// questions.
SampleSizeCurve sample_size_curve(const ComparedVector& a,
                                  const ComparedVector& b, std::int64_t draws,
                                  std::uint64_t seed);

// {"sizes", "draws", "by_layer": [{"layer", "reliability_a": [...], ...}]}.
Json sample_size_json(const SampleSizeCurve& curve);

}  // namespace veer
