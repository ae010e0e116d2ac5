// SPDX-License-Identifier: MIT
//
// The study's claims as tests: each has a rule that was fixed before the run
// and is decided from numbers of the run alone. A claim is supported,
// contradicted or undecided, never "not significant, so false", and nothing is
// contradicted where there was no room to support it.
// Rules in words: claims/claim_table.cpp, docs/methods/comparison.md.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "veer/base/json.h"
#include "veer/vectors/measure.h"

namespace veer {

enum class Decision { kSupported, kContradicted, kUndecided, kVoid };
std::string decision_name(Decision decision);

// What is fixed about a claim before any number of the run is known.
struct ClaimDefinition {
  std::string_view id;     // "H1"
  std::string_view claim;  // in words
  // Class of the operators that decide it ("plain addition", "learned",
  // "projection", ...); empty where nothing is steered.
  std::string_view operators;
  std::string_view statistic;
  std::string_view rule;  // in words, with every number that it uses
  // What counts as no effect, or the bound of the rule; in `unit`.
  std::optional<double> margin;
  std::string_view unit;  // of effect, margin and room: "share", "cosine", ...
  std::string_view counts;  // what n counts: "questions", "models", ...
  // "finding"; "gate": what the others rest on, no finding of its own;
  // "mirror of H1": follows from another row and is not counted again.
  std::string_view role;
  std::string_view sharpen;    // manifest key that would sharpen it
  bool needs_vectors = false;  // void when a direction does not exist
  bool needs_tuned = false;    // void when the tuned model does not deceive
};

// Every claim of the study in the order of the table: gates, H1, H2, ..., A1.
std::span<const ClaimDefinition> claim_definitions();
// Throws Error{kFailed} for an id that is none.
const ClaimDefinition& claim_definition(std::string_view id);
// {"id", "claim", "operators", "statistic", "rule", "margin", "unit", "counts",
// "role"}: what is registered before a run.
Json definition_json(const ClaimDefinition& definition);

struct HypothesisResult {
  ClaimDefinition definition;
  Decision decision = Decision::kUndecided;
  std::string reason;
  Measure effect;
  // How surprising the numbers are if the decision's opposite holds at the
  // rule's bound; none where the rule has none.
  std::optional<double> p;
  // The same corrected over all findings of the run (Holm); set by claims_json.
  std::optional<double> holm_p;
  // The most that the effect could still have been, in `unit`.
  std::optional<double> room;

  std::string id() const { return std::string(definition.id); }
  bool measured() const;
  double margin() const { return definition.margin.value_or(0.0); }
};

// A row that was not measured yet.
HypothesisResult claim_row(std::string_view id);
// The same with the reason why not.
HypothesisResult not_measured(std::string_view id, const std::string& why);

// Two-sided p that an interval of 95 % gives against `bound`; .05 where the
// interval ends there. Student's t with `degrees`, or one less than the units
// of the interval, normal where neither is known; of M units never below 2^(1 -
// M), the least p that flipping their signs can give. None without an interval
// that has a width.
std::optional<double> p_beyond(const Measure& measure, double bound,
                               std::int64_t degrees = 0);

// Supported where the interval lies above `above`, contradicted where it lies
// below `below`, else undecided; p is that of the decision, of support where
// there is none.
void decide_by_interval(HypothesisResult& row, double above, double below);

// Takes a decision back because there was no room for another: "no room: 4
// points were left, the margin is 10".
void leave_undecided_without_room(HypothesisResult& row);

Json hypothesis_json(const HypothesisResult& result);

}  // namespace veer
