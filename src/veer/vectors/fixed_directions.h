// SPDX-License-Identifier: MIT
//
// Directions without rows of questions (what an adapter writes, what gradients
// trained, an imported file). The plain cosine with each vector and with each
// other, and its chance bands. One that was made anew on each half of its
// questions has a reliability as well, and with it the ceiling of the plain
// cosine; no jackknife can be made of it, so no interval.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/vectors/compare.h"

namespace veer {

struct FixedDirection {
  SteeringVector vector;
  // The same recipe on two disjoint halves of the questions; two or none.
  std::vector<SteeringVector> halves;
};

// How far the halves agree at one layer. Reliability of the whole: Spearman
// and Brown's 2 r / (1 + r) of their cosine r, which counts as noise whatever
// differs between them, the seed of training included.
struct HalvesAtLayer {
  std::int64_t layer = 0;
  std::optional<double> cosine;  // none where there is no direction
  Measure reliability;
};

struct FixedHalves {
  std::string direction;
  std::int64_t first_n = 0, second_n = 0;  // questions
  std::vector<HalvesAtLayer> by_layer;
};

// One entry for each direction with halves. Throws Error when the halves are
// of another model or shape than the whole, or not two.
std::vector<FixedHalves> agreement_of_halves(
    std::span<const FixedDirection> directions);

struct FixedAtLayer {
  std::int64_t layer = 0;
  std::optional<double> raw_cosine;
  NullBand isotropic;
  // Random directions with the activations' covariance against the fixed one.
  std::optional<NullBand> covariance;
  // sqrt of the two reliabilities, and cosine / ceiling; none without both.
  // The two share their questions, so the division is not exact.
  std::optional<double> ceiling;
  std::optional<double> disattenuated;
};

struct FixedComparison {
  std::string direction;
  std::string vector;  // or an earlier direction, with the isotropic band only
  std::vector<FixedAtLayer> by_layer;
};

// Every direction with every vector of its point, whose reliabilities are
// those of `comparison`, and every earlier direction of it. Throws Error when a
// direction belongs to another model or shape.
std::vector<FixedComparison> compare_fixed(
    std::span<const FixedDirection> directions,
    std::span<const ComparedVector> vectors, const Comparison& comparison,
    const CompareOptions& options);

Json fixed_json(std::span<const FixedComparison> comparisons);
Json halves_json(std::span<const FixedHalves> halves);

}  // namespace veer
