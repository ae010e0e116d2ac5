// SPDX-License-Identifier: MIT
//
// Rows of questions as rows of units. Questions of one topic or cluster err
// together, so what a statistic of rows takes for independent is the unit: its
// row is the sum over its questions. How alike they are is said beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/vectors/item_statistics.h"
#include "veer/vectors/vector_rows.h"

namespace veer {

struct RowUnits {
  std::vector<std::string> names;    // [M], in the order in which they occur
  std::vector<std::int64_t> counts;  // questions of each
  std::vector<std::int64_t> of;      // [N], unit of each row

  std::int64_t size() const { return static_cast<std::int64_t>(names.size()); }
  // Every question stands alone.
  bool are_single() const { return names.size() == of.size(); }
};

// Units by name; without names every id is one.
RowUnits row_units(std::span<const std::string> ids,
                   std::span<const std::string> units);
RowUnits row_units(const VectorRows& rows);

// [M, D]; the rows themselves where all stand alone.
at::Tensor unit_sums(const at::Tensor& x_ND, const RowUnits& units);

// Two vectors' units laid over each other: what cross_item_cosine() takes with
// unit_sums() of both. Where all stand alone it is unite_items() of the ids.
ItemUnion unite_units(std::span<const std::string> x_ids, const RowUnits& x,
                      std::span<const std::string> y_ids, const RowUnits& y);
ItemUnion unite_units(const VectorRows& x, const VectorRows& y);

// How alike the questions of a unit are in these rows.
struct IntraCluster {
  // One-way random effects (ANOVA estimator, Donner 1986), traces in place of
  // squares: (MSB - MSW) / (MSB + (n0 - 1) MSW) with
  // n0 = (n - sum n_c^2 / n) / (M - 1). None where all questions stand alone,
  // or do not differ at all.
  std::optional<double> icc;
  // Variance of the mean over units against that over questions taken for
  // independent: how many questions count for one. 1 where all stand alone.
  std::optional<double> design_effect;
};
IntraCluster intra_cluster(const at::Tensor& x_ND, const RowUnits& units);

}  // namespace veer
