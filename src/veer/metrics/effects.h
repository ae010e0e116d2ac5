// SPDX-License-Identifier: MIT
//
// Cells of a sweep: what one configuration did to one model on the questions
// of one split, paired with the unsteered answers to the same questions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "veer/metrics/estimate.h"
#include "veer/metrics/judge.h"

namespace veer {

// One answer per question; `samples` answers of a question are averaged
// before anything else (the question is the unit).
struct CellAnswers {
  std::vector<std::int64_t> question;  // index of the question
  std::vector<AnswerLabel> label;
  std::vector<double> score;  // graded judge; NaN or empty = none
  std::vector<bool> flagged;  // coherence flag; empty = unknown
};

struct CellSummary {
  std::int64_t n = 0;  // questions
  LabelCounts counts;
  // Shares over all answers, Wilson 95 % (share_by_question).
  Estimate honest, deceptive, mixed, off_topic, refusal, broken;
  Estimate coherent;  // neither broken nor flagged
  // Against the unsteered answers, paired by question: Newcombe 95 % of the
  // shares (share_difference), bootstrap 95 % of the score.
  Estimate induction;    // change of the deceptive share
  Estimate suppression;  // change of the honest share
  Estimate score_change;
  // Share of questions moved against the direction of the mean effect.
  Estimate wrong_way;
  // Deceptive or not, steered against unsteered: exact McNemar, and with units
  // the same over them (unit_sign_flip_p).
  double mcnemar_p = 1.0;
};

// Per-question mean of the indicator of a label: what the paired statistics
// work on. NaN for a question without an answer.
std::vector<double> label_by_question(const CellAnswers& cell,
                                      AnswerLabel label,
                                      std::int64_t num_questions);

// Mean score per question; NaN without one.
std::vector<double> score_by_question(const CellAnswers& cell,
                                      std::int64_t num_questions);

// The same for answers that are neither broken nor flagged.
std::vector<double> coherent_by_question(const CellAnswers& cell,
                                         std::int64_t num_questions);

// Summary of a cell against its baseline (same model, no intervention), with
// intervals over `units` (see intervals.h). The baseline's own summary is
// summarise(baseline, baseline, ...).
CellSummary summarise(const CellAnswers& cell, const CellAnswers& baseline,
                      std::int64_t num_questions, std::uint64_t seed,
                      std::span<const std::int64_t> units = {});

}  // namespace veer
