// SPDX-License-Identifier: MIT
//
// Is it the same direction? Per layer and pair of vectors: plain and
// cross-item cosine with its interval, chance bands, reliability and the
// ceiling it sets, equivalence, corrections over layers. Formulas and their
// limits: docs/methods/comparison.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/base/progress.h"
#include "veer/vectors/measure.h"
#include "veer/vectors/null_bands.h"
#include "veer/vectors/steering_vector.h"
#include "veer/vectors/vector_rows.h"

namespace veer {

struct CompareOptions {
  double confidence = 0.95;
  // |cosine| below it counts as orthogonal, if the test says so.
  double margin = 0.1;
  std::int64_t random_draws = 1000;
  std::int64_t split_halves = 100;
  std::int64_t sign_flips = 999;
  // Rank of the subspaces that are compared; 0 = none.
  std::int64_t subspace_rank = 4;
  // Whitened cosines and CKA (slower).
  bool metrics = true;
  std::int64_t seed = 0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("confidence", self.confidence, "level of intervals");
    field("margin", self.margin, "orthogonal means |cosine| below this");
    field("random_draws", self.random_draws, "draws of chance bands");
    field("split_halves", self.split_halves, "random halves");
    field("sign_flips", self.sign_flips, "of the existence test");
    field("subspace_rank", self.subspace_rank, "compared subspaces, 0 = none");
    field("metrics", self.metrics, "whitened cosines and CKA");
    field("seed", self.seed, "of all draws");
  }
};

// One vector with the rows behind it.
struct ComparedVector {
  SteeringVector vector;
  VectorRows rows;
};

// Why the cosine of two vectors has no cross-item estimate; empty when it has
// one. The estimate, its interval and the reliability are of mean differences:
// a direction made otherwise (pca_diff, logistic, mass_mean) is no mean over
// questions, and has its plain cosine and chance bands alone.
std::string no_cross_item_estimate(const SteeringVector& a,
                                   const SteeringVector& b);

// One vector at one layer.
struct VectorAtLayer {
  std::int64_t layer = 0;
  double norm = 0.0;
  std::optional<double> unbiased_norm;  // none: not above its noise
  std::optional<double> residual_norm;  // mean norm of the stream there
  std::optional<double> relative_norm;  // norm / residual_norm
  Measure reliability;                  // split halves
  std::optional<double> closed_reliability;
  std::optional<double> existence_p;
  std::optional<double> existence_adjusted_p;  // over layers
  std::optional<double> participation_ratio;
  // How alike the questions of a unit are, and how many of them count for one
  // (unit_rows.h).
  std::optional<double> icc;
  std::optional<double> design_effect;
  std::optional<double> agreement;
  // Projection of each question on the vector of the other units' questions,
  // positive side up.
  // None where the direction is no mean of differences: the one that is left
  // out would have to be fitted anew (study/detection does).
  std::optional<double> auroc;
  // Dimensions that are > 20 times the median of |mean activation|.
  std::int64_t massive_dimensions = 0;
};

struct PairAtLayer {
  std::int64_t layer = 0;
  std::optional<double> raw_cosine;
  Measure cosine;  // cross-item
  // Simultaneous over layers.
  std::optional<double> band_low;
  std::optional<double> band_high;
  std::optional<double> ceiling;
  std::optional<double> disattenuated;  // only of disjoint questions exact
  NullBand isotropic;
  std::optional<CovarianceNull> covariance;
  std::optional<double> zero_p;
  std::optional<double> zero_holm_p;
  std::optional<double> equivalence_p;
  std::optional<double> equivalence_holm_p;
  // Other metrics of the plain cosine.
  std::optional<double> without_massive;
  std::optional<double> whitened;
  std::optional<double> mean_centred;  // both vectors minus their own mean
  // Subspaces of the differences.
  std::vector<double> principal_cosines;
  std::optional<double> energy_of_b_in_a;
  std::optional<double> energy_of_a_in_b;
  std::optional<double> cka;  // of differences of common items
  std::string verdict;        // align, same, orthogonal, opposed, undecided
};

// Decision R1 of docs/methods/comparison.md, "Verdict per layer", without the
// seed ceiling; "not established" where there is no cosine.
std::string pair_verdict(const PairAtLayer& at, double margin);

struct VectorComparison {
  std::string name;
  std::int64_t n = 0;  // questions
  std::string fingerprint;
  std::vector<VectorAtLayer> by_layer;
  std::int64_t clusters = 0;  // units that the questions are of
};

struct PairComparison {
  std::string a, b;
  std::int64_t num_common = 0;
  std::int64_t num_union = 0;
  std::vector<PairAtLayer> by_layer;
  // Units of the union, which intervals are over.
  std::int64_t num_clusters = 0;
};

struct Comparison {
  std::int64_t num_layers = 0;
  std::int64_t width = 0;
  std::string point;
  CompareOptions options;
  std::vector<VectorComparison> vectors;
  std::vector<PairComparison> pairs;  // every pair, in order
};

// All vectors and all pairs. Throws Error{kBadInput} when vectors belong to
// different models, points or shapes, a side is not finite, or a name
// repeats. What cannot be told is a reason, never a number. Where rows
// say units, these are what is left out, flipped and halved.
Comparison compare_vectors(std::span<const ComparedVector> vectors,
                           const CompareOptions& options = {},
                           const Monitor& monitor = {});

// docs/formats/vectors.md, "comparison.json".
Json comparison_json(const Comparison& comparison);
// The inverse, as far as the document goes. Throws Error on a missing field.
Comparison comparison_from_json(const Json& json);

}  // namespace veer
