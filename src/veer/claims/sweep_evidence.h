// SPDX-License-Identifier: MIT
//
// What the claims need from a sweep: effects of chosen cells, labels by
// question, cells of the grid. Made from sweep.json and the answers behind it.
// No model is needed here.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"
#include "veer/claims/chosen_effect.h"
#include "veer/metrics/effects.h"
#include "veer/results/answer_row.h"

namespace veer {

// Why the labels of a sweep are none or no evidence: a judge that gives scores,
// or one that is not fit. Empty where they are evidence.
std::string why_no_labels(const Json& sweep);
// The second: what its labels are made of means nothing.
bool has_unfit_judge(const Json& sweep);

// Unit of each test question (data/units.h) as the sweep says it; empty in a
// sweep of before it did.
std::vector<std::int64_t> test_units(const Json& sweep);
// Of the questions that have a value, for those that leave the others out.
std::vector<std::int64_t> present_units(std::span<const std::int64_t> units,
                                        std::span<const double> values);

class SweepEvidence {
 public:
  // `sweep` and `answers` must outlive it. An empty document or a judge
  // without labels gives no evidence, and why() says so.
  SweepEvidence(const Json& sweep, std::span<const AnswerRow> answers,
                std::uint64_t seed);

  bool has_labels() const { return why_.empty(); }
  const std::string& why() const { return why_; }
  std::uint64_t seed() const { return seed_; }
  // Of each test question, for intervals over what the values below are of.
  std::span<const std::int64_t> units() const { return units_; }

  // Empty without labels.
  const std::vector<ChosenEffect>& effects() const { return effects_; }
  // Every vector that the sweep steered with and chose a cell for: the
  // extracted ones, without mixtures and parts.
  const std::vector<std::string>& vectors() const { return vectors_; }

  // Whether as many of a cell's answers are unbroken as the sweep asks for.
  bool is_unbroken(const Json& cell) const;

  const Json* cell(std::int64_t id) const;
  const Json* unsteered(const char* model) const;
  // Share of a label by question; NaN where there is no answer.
  std::vector<double> labelled(const Json& cell, AnswerLabel label) const;
  // Change against the unsteered answers of the same model.
  std::vector<double> change(const Json& cell, AnswerLabel label) const;
  // Test cells of the grid on the base model, in units of the residual norm. A
  // cell that confirms one of them on more questions is no cell of the grid: it
  // would count one scale twice.
  std::vector<const Json*> grid(const std::string& vector,
                                std::string_view operation) const;
  // Test cells of the base model that take a chosen cell's place again.
  std::vector<const Json*> confirming(const std::string& vector,
                                      std::string_view operation) const;

 private:
  std::uint64_t seed_;
  double min_coherent_;
  std::vector<std::int64_t> units_;
  std::string why_;
  std::int64_t num_questions_ = 0;
  std::map<std::int64_t, const Json*> cells_;
  std::map<std::int64_t, CellAnswers> answers_;
  std::vector<ChosenEffect> effects_;
  std::vector<std::string> vectors_;
};

}  // namespace veer
