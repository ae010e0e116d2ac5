// SPDX-License-Identifier: MIT
//
// What is measured of the chosen cells and of the baselines besides their
// answers: what they do to unrelated texts, and how far each single question
// moves by log-odds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "veer/base/json.h"
#include "veer/generation/divergence.h"
#include "veer/metrics/side_effects.h"
#include "veer/metrics/steerability.h"
#include "veer/sweep/choice.h"
#include "veer/sweep/results.h"

namespace veer {

class SideMeasures {
 public:
  // Measures the entries of `best` that are the best of all operators or the
  // best addition, each with a few of its random vectors, and the baselines.
  SideMeasures(Sweep& sweep, const SweepResults& results);

  // Null where not measured. A cell is compared with the unsteered model of
  // the goal.
  Json specificity_json(const SweepCell& cell, const Goal& goal) const;
  Json anti_steerable_json(const SweepCell& cell, const Goal& goal) const;
  // Of baselines only, on the texts that the cells' own divergence is from.
  Json divergence_json(const SweepCell& cell, const Goal& goal) const;

 private:
  using Key = std::pair<std::int64_t, std::string>;  // cell, goal

  struct Specificity {
    SideEffects own;
    std::string kind;  // of the random vectors; empty = none
    std::int64_t vectors = 0;
    SideEffects random;
  };
  struct Wanted {
    const SweepCell* cell;
    std::string kind;
    std::vector<const SweepCell*> random;
  };

  static Key key(const SweepCell& cell, const Goal& goal) {
    return {cell.row.id, goal.name};
  }
  static std::vector<Wanted> wanted(const Sweep& sweep, const Goal& goal);
  void measure_texts(Sweep& sweep, const Goal& goal,
                     const std::vector<Wanted>& wanted);
  void measure_divergence(Sweep& sweep, const Goal& goal);
  void measure_questions(Sweep& sweep, const SweepResults& results,
                         const Goal& goal, const std::vector<Wanted>& wanted);

  std::int64_t num_texts_ = 0;
  std::map<Key, Specificity> specificity_;
  std::map<Key, Steerability> steerability_;
  std::map<Key, DivergenceSummary> divergence_;
};

}  // namespace veer
