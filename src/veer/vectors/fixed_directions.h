// SPDX-License-Identifier: MIT
//
// Directions without questions behind them (what an adapter writes, what
// gradients trained, an imported file): they have no sampling error that
// could be told, so only the plain cosine with each vector and its chance
// bands are given.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/vectors/compare.h"

namespace veer {

struct FixedAtLayer {
  std::int64_t layer = 0;
  std::optional<double> raw_cosine;
  NullBand isotropic;
  // Random directions with the activations' covariance against the fixed one.
  std::optional<NullBand> covariance;
};

struct FixedComparison {
  std::string direction;
  std::string vector;
  std::vector<FixedAtLayer> by_layer;
};

// Every direction with every vector of its point. Throws Error when a
// direction belongs to another model or shape.
std::vector<FixedComparison> compare_fixed(
    std::span<const SteeringVector> directions,
    std::span<const ComparedVector> vectors, const CompareOptions& options);

Json fixed_json(std::span<const FixedComparison> comparisons);

}  // namespace veer
