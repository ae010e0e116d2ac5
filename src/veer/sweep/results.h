// SPDX-License-Identifier: MIT
//
// From answers to what sweep.json says: cells with intervals, the cells that
// are best by the select questions, where text breaks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/metrics/effects.h"
#include "veer/run/context.h"
#include "veer/sweep/grid.h"
#include "veer/sweep/text_coherence.h"

namespace veer {

class CellDivergences;

// A cell with its answers summed up against the unsteered ones.
struct CellResult {
  SweepCell cell;
  CellSummary summary;
  Estimate score;  // mean; undefined where the judge has none
};

// "induction": more deception from the base model; "suppression": more
// honesty from the tuned one.
struct Goal {
  std::string name;
  std::string model;
};
std::vector<Goal> goals(const SweepSettings& settings);

class SweepResults {
 public:
  // Sums up the answers that the store holds of these cells.
  SweepResults(StudyContext& context, std::span<const SweepCell> cells);
  // The same for cells that have come behind them.
  void extend(std::span<const SweepCell> cells);

  // The select cell, among those that `wanted` admits, that does most for the
  // goal, leaves enough text unbroken and costs no more than sweep.max_kl; of
  // equal ones that which choice_rank.h puts first, then the first. Null if
  // there is none.
  const CellResult* chosen(const Goal& goal,
                           const std::function<bool(const SweepCell&)>& wanted,
                           const CellDivergences& prices) const;

  // One cell; several cells of the same questions are pooled by question.
  CellResult pooled(std::span<const SweepCell> cells) const;

  // The goal's measure by question, the cell's first one first: whether the
  // answer has the label that counts, or the score (turned so that more is
  // better).
  std::vector<double> outcomes(const SweepCell& cell, const Goal& goal) const;
  // Scores by question; NaN where the judge has none.
  std::vector<double> scores(const SweepCell& cell) const;
  // What the goal's effect is the mean of: one change per question of the
  // cell against the unsteered answers (the first `limit` questions; 0 = all).
  std::vector<double> changes(const SweepCell& cell, const Goal& goal,
                              std::int64_t limit = 0) const;
  // Mean of a's outcomes minus b's over the questions that both were asked,
  // paired by question, in the measure's own sign. The cells may be of
  // different models; of `b` unsteered it is the effect of `a`.
  Estimate difference(const SweepCell& a, const SweepCell& b,
                      const Goal& goal) const;
  // 1, or -1 where the goal wants a smaller measure (a score of suppression).
  double sign_of(const Goal& goal) const;
  // Share of each question's answers that are unbroken.
  std::vector<double> coherent(const SweepCell& cell) const;

  // The effect that counts for a goal: change of the deceptive or honest
  // share, or of the score where shares mean nothing.
  Estimate effect(const CellResult& result, const Goal& goal) const;
  // That effect, larger = better for the goal; NaN where too little text is
  // left unbroken for the cell to be chosen.
  double gain(const CellResult& result, const Goal& goal) const;
  Estimate share(const CellResult& result, const Goal& goal) const;
  // "deceptive", "honest" or "score".
  std::string measure(const Goal& goal) const;

  const std::vector<CellResult>& all() const { return results_; }
  const CellResult& of(std::int64_t id) const {
    return results_[static_cast<std::size_t>(id)];
  }
  const AnswerRow& answer(std::int64_t cell, std::int64_t question) const;
  // Unit of each question of a split (data/units.h), those that answers count
  // by; and of those that a cell asks.
  std::span<const std::int64_t> units(const std::string& split) const;
  std::span<const std::int64_t> units(const SweepCell& cell) const;
  bool has_labels() const { return has_labels_; }
  // Answers that ended because their numbers were not finite.
  std::int64_t not_finite() const;

 private:
  CellAnswers answers_of(std::span<const SweepCell> cells) const;
  std::vector<double> measured(const CellAnswers& answers, const Goal& goal,
                               std::int64_t num_questions) const;
  // The unsteered answers to the cell's questions.
  CellAnswers unsteered_of(const SweepCell& cell) const;
  // Whether steering leaves no less text unbroken than there was.
  bool is_whole(const CellResult& result) const;
  SoundText sound_text() const;

  StudyContext& context_;
  std::vector<SweepCell> cells_;
  bool has_labels_ = false;
  std::vector<std::vector<AnswerRow>> answers_;  // by cell id
  std::optional<SoundText> sound_text_;  // where no label says what is broken
  std::map<std::string, std::vector<std::int64_t>> units_;  // by split
  std::vector<CellResult> results_;
};

// Null where the number is not finite.
Json number_or_null(double value);
// "clusters" is there where the estimate's interval is over units.
Json estimate_json(const Estimate& estimate);
// {"test": [unit of each question], "select": [...]}.
Json units_json(const SweepResults& results);
Json cell_json(const CellResult& result, bool has_labels);

// Per vector, model, operator and layer set: the largest scale in units of
// the residual norm up to which text holds, and the first at which it does
// not.
Json breaks_json(const SweepResults& results, double min_coherent);

}  // namespace veer
