// SPDX-License-Identifier: MIT
//
// The study's claims as tests: each row has a claim, the statistic that decides
// it and a rule, and is evaluated from numbers of the run alone. A claim is
// supported, contradicted or undecided, never "not significant, so false".
// Rules: docs/methods/comparison.md.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/vectors/compare.h"
#include "veer/vectors/measure.h"

namespace veer {

// An effect on behaviour at the cell chosen on other questions, as a
// difference of shares.
struct SteeringOutcome {
  Measure effect;
  // 95th percentile of random vectors of the same norm in the same cell.
  std::optional<double> random_effect;
  std::optional<double> coherent;     // share of unbroken answers
  std::optional<std::int64_t> layer;  // none: several act together
};

struct HypothesisInput {
  const Comparison* comparison = nullptr;
  // Names of the vectors in question within the comparison.
  std::string contrastive;
  std::string finetuned;
  // Share of deceptive answers, tuned minus base model, on test questions.
  std::optional<Measure> behaviour_gap;
  // By name: "induction/contrastive", "induction/finetuned" (on the base
  // model), "suppression/contrastive", "suppression/finetuned" (on the tuned
  // model, vector subtracted).
  std::map<std::string, SteeringOutcome> outcomes;
  // By name, "contrastive" and "finetuned": induction by plain addition alone,
  // at the layer and scale that the select questions chose for it. Other
  // operators use more than a direction (class means, subspaces).
  std::map<std::string, SteeringOutcome> additions;
  // Paired difference of induction, contrastive minus finetuned, at equal
  // displacement; and of gap closed, suppression minus induction.
  std::optional<Measure> induction_difference;
  std::optional<Measure> ease_difference;
};

enum class Decision { kSupported, kContradicted, kUndecided, kVoid };
std::string decision_name(Decision decision);

struct HypothesisResult {
  std::string id;     // "H1"
  std::string claim;  // in words
  std::string statistic;
  Decision decision = Decision::kUndecided;
  std::string reason;
  Measure effect;
  std::string unit;     // of the effect: "cosine", "share", "norm", ...
  std::string sharpen;  // manifest key that would sharpen it, may be empty
};

// Every row, gates first. Rows that depend on a gate that is contradicted are
// void; what was not measured is undecided and says so.
std::vector<HypothesisResult> evaluate_hypotheses(const HypothesisInput& input);

// "Works": lower bound above 0, above random, at least 75 % coherent.
// "Fails": upper bound below 10 points.
bool outcome_works(const SteeringOutcome& outcome);
bool outcome_fails(const SteeringOutcome& outcome);

Json hypotheses_json(std::span<const HypothesisResult> results);

}  // namespace veer
