// SPDX-License-Identifier: MIT
//
// What the hypotheses need from a sweep: effects of chosen cells, paired
// differences, ladders of scales. Made from sweep.json and the answers behind
// it. No model is needed here.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"
#include "veer/metrics/cell_hypotheses.h"
#include "veer/metrics/effects.h"
#include "veer/study/run_store.h"
#include "veer/vectors/hypotheses.h"

namespace veer {

// Why the labels of a sweep are none or no evidence: a judge that gives scores,
// or one that is not fit. Empty where they are evidence.
std::string why_no_labels(const Json& sweep);
// The second: what its labels are made of means nothing.
bool has_unfit_judge(const Json& sweep);

class SweepEvidence {
 public:
  // `sweep` and `answers` must outlive it. An empty document or a judge
  // without labels gives no evidence, and why() says so.
  SweepEvidence(const Json& sweep, std::span<const AnswerRow> answers,
                std::uint64_t seed);

  bool has_labels() const { return why_.empty(); }
  const std::string& why() const { return why_; }

  // Fills gap, outcomes and paired differences for the two vectors that
  // `input` names.
  void add_to(HypothesisInput& input) const;
  // Layers and ladders of the vectors that the sweep used.
  CellHypothesisInput cell_input(const std::string& vector) const;

 private:
  const Json* cell(std::int64_t id) const;
  const Json* unsteered(const char* model) const;
  // The entry of "best" of a vector and goal; null if it has no cell.
  const Json* best(const std::string& vector, const char* goal) const;
  // The entry of "groups" of its best plain addition; null likewise.
  const Json* best_addition(const std::string& vector, const char* goal) const;
  // Share of a label by question; NaN where there is no answer.
  std::vector<double> labelled(const Json& cell, AnswerLabel label) const;
  std::vector<double> coherent(const Json& cell) const;
  // Change against the unsteered answers of the same model.
  std::vector<double> change(const Json& cell, AnswerLabel label) const;
  // Test cells on the base model: vector added at one layer or several, in
  // units of the residual norm; with `operation` "add_keep_norm" those that
  // restore the norm.
  std::vector<const Json*> added(const std::string& vector,
                                 std::string_view operation = "add") const;
  // Deceptive answers of `a` minus those of `b`, mean over the places (layers
  // and scale) that both have and leave coherent.
  Estimate induction_difference(const std::vector<const Json*>& a,
                                const std::vector<const Json*>& b) const;
  Estimate ease_difference(const std::string& vector) const;
  std::vector<Estimate> effect_by_layer(const std::string& vector) const;
  std::vector<Breakdown> breakdowns() const;
  Estimate layer_mode_difference(const std::string& vector) const;

  const Json& sweep_;
  std::uint64_t seed_;
  std::string why_;
  std::int64_t num_questions_ = 0;
  std::map<std::int64_t, const Json*> cells_;
  std::map<std::int64_t, CellAnswers> answers_;
};

}  // namespace veer
