// SPDX-License-Identifier: MIT
//
// What the cells of a sweep cost: divergence from the unsteered model and
// displacement of the hidden states, on the same reference texts.
#pragma once

#include <map>
#include <span>
#include <string>

#include "veer/base/json.h"
#include "veer/generation/divergence.h"
#include "veer/sweep/grid.h"
#include "veer/sweep/runner.h"

namespace veer {

// The price of one cell, or of several pooled (random controls). NaN where the
// cell left numbers that are not finite.
struct CellPrice {
  DivergenceSummary nats;
  // |h' - h| over the tokens and layers acted on, in mean residual norms of the
  // layer; NaN also where the norms are not known or nothing acts.
  double moved_mean = 0.0;
  double moved_p95 = 0.0;
  std::map<std::int64_t, double> length_by_layer;  // mean |h' - h|
};
// `norms_L`: mean residual norm by layer. Throws Error on no tokens.
CellPrice price_of(std::span<const CellTokens> cells,
                   std::span<const double> norms_L);

// Prices by what acts in a cell (model, operator, unit, scale, layers, vector):
// a test cell has that of its twin on select. `questions`: reference texts, the
// first select questions (sweep.kl_questions); 0 = nothing is measured.
class CellDivergences {
 public:
  // Measures the steered select cells among `cells` that were not yet and whose
  // vector is not random, or with `random` those whose vector is.
  void extend(SweepRunner& runner, std::int64_t questions,
              std::span<const SweepCell> cells, bool random = false);
  // The price of random cells of one kind in one place, pooled; measured once.
  // Null without cells or reference texts.
  const CellPrice* pooled(SweepRunner& runner, std::int64_t questions,
                          std::span<const SweepCell> cells);
  // Null when it was not measured.
  const DivergenceSummary* of(const SweepCell& cell) const;
  const CellPrice* price(const SweepCell& cell) const;

 private:
  std::map<std::string, CellPrice> prices_;
};

// The 95th percentile over tokens, in nats; NaN when it was not measured.
double p95_of(const CellDivergences& divergences, const SweepCell& cell);

// {"mean", "p95"}, null where it is not finite; null without a summary.
Json divergence_json(const DivergenceSummary* nats);

// Whether the cell may be chosen for what it costs: at most `max_kl` nats (0 =
// any number of them). What was not measured has no price to be left out for;
// what was and is not finite has.
bool is_affordable(const CellDivergences& divergences, const SweepCell& cell,
                   double max_kl);

// Norms in which displacements of a model's cells are given.
std::span<const double> price_norms(SweepRunner& runner,
                                    const std::string& model);

}  // namespace veer
