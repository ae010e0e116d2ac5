// SPDX-License-Identifier: MIT
//
// How much of a vector is something else: length, refusal, verbosity, system
// prompt, format, paraphrase. Cosines with each confound's vector, the share
// of a vector that all confounds together hold, and the cosine of a pair once
// that share is taken out.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/vectors/compare.h"

namespace veer {

struct ConfoundAtLayer {
  std::int64_t layer = 0;
  Measure cosine;  // cross-item
  std::optional<double> raw_cosine;
  // Share of the vector's squared length along the confound's direction.
  std::optional<double> share;
};

struct ConfoundOverlap {
  std::string vector;
  std::string confound;
  std::vector<ConfoundAtLayer> by_layer;
};

// A pair of one position with the confounds of that position projected out.
struct WithoutConfounds {
  std::int64_t layer = 0;
  std::optional<double> raw_cosine;  // before
  std::optional<double> cosine;      // after, plain
  double removed_a = 0.0;            // shares of the squared lengths
  double removed_b = 0.0;
};

struct PairWithoutConfounds {
  std::string a, b;
  std::vector<std::string> confounds;
  std::vector<WithoutConfounds> by_layer;
};

// What the largest share of a vector's squared length along one neutral
// confound is by chance: 95 of 100 random directions with the covariance of the
// vector's activations (random_share.h) stay below it, the largest over the
// confounds taken of each. None where the activations have no spread.
struct ConfoundsByChance {
  std::string vector;
  std::vector<std::string> confounds;
  std::vector<std::optional<double>> largest_share;  // by layer
};

struct ConfoundReport {
  std::vector<ConfoundOverlap> overlaps;
  std::vector<ConfoundsByChance> by_chance;
  std::vector<PairWithoutConfounds> pairs;
};

// Vectors meet the confounds of their own position and point. A confound that
// is not established keeps its reason and, in `pairs`, is projected out all
// the same: noise removes little of a vector. One whose contrast is among
// `carriers` is not: its two sides differ in the behaviour itself, and taking
// it out would take out what is asked for; nor does it count in `by_chance`.
ConfoundReport compare_with_confounds(
    std::span<const ComparedVector> vectors,
    std::span<const ComparedVector> confounds, double confidence,
    const std::set<std::string>& carriers = {});

// Per layer, share of the vector's squared length within the span of the
// `others` of its own position and point; their names in `used`.
struct SpanShare {
  std::vector<std::string> used;
  std::vector<double> by_layer;
};
SpanShare share_in_span(const ComparedVector& vector,
                        std::span<const ComparedVector> others);

// Cross-item cosine by layer on the questions of `keep` alone.
std::vector<Measure> cosine_on(const ComparedVector& a, const ComparedVector& b,
                               std::span<const std::string> keep,
                               double confidence);

Json confounds_json(const ConfoundReport& report);

}  // namespace veer
