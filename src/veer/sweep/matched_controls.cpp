// SPDX-License-Identifier: MIT
#include "veer/sweep/matched_controls.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "veer/interventions/operators.h"
#include "veer/metrics/control_mean.h"
#include "veer/metrics/intervals.h"
#include "veer/metrics/present_mean.h"
#include "veer/metrics/random_percentile.h"
#include "veer/results/effect_verdict.h"

namespace veer {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
// Random vectors may move tokens this much further or less far.
constexpr double kMatch = 0.05;
constexpr std::int64_t kScoreDraws = 2000;

// Everything here is turned by the goal's sign, so that more is better, and
// turned back for the document.
Estimate turned(Estimate estimate, double sign) {
  if (sign < 0.0) {
    estimate.value = -estimate.value;
    std::swap(estimate.low, estimate.high);
    estimate.low = -estimate.low;
    estimate.high = -estimate.high;
  }
  return estimate;
}

Json number_json(const std::optional<double>& value, double sign = 1.0) {
  return value ? number_or_null(sign * *value) : Json(nullptr);
}

// Mean over the cells, question by question, steered and unsteered.
struct ByQuestion {
  std::vector<double> steered;
  std::vector<double> plain;
  std::vector<std::int64_t> questions;
  std::vector<std::int64_t> units;  // data/units.h
  std::int64_t answers = 0;
};

ByQuestion by_question(const SweepResults& results,
                       const std::vector<SweepCell>& cells, const Goal& goal) {
  std::map<std::int64_t, std::array<double, 3>> sums;  // and their number
  ByQuestion all;
  for (const auto& cell : cells) {
    const auto outcomes = results.outcomes(cell, goal);
    const auto changes = results.changes(cell, goal);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (!std::isnan(changes[i])) {
        auto& sum = sums[cell.first_question + static_cast<std::int64_t>(i)];
        sum[0] += outcomes[i];
        sum[1] += outcomes[i] - changes[i];
        sum[2] += 1.0;
        ++all.answers;
      }
    }
  }
  const auto units = results.units("test");
  for (const auto& [question, sum] : sums) {
    all.questions.push_back(question);
    all.units.push_back(units[static_cast<std::size_t>(question)]);
    all.steered.push_back(sum[0] / sum[2]);
    all.plain.push_back(sum[1] / sum[2]);
  }
  return all;
}

// Their mean change with its interval over questions: by unit, and at least as
// wide as questions that stand alone have it, so that there is a width also
// where no question moved.
Estimate doubt_about_questions(const Sweep& sweep, const SweepResults& results,
                               const ByQuestion& all) {
  const auto by_unit =
      paired_difference(all.steered, all.plain, sweep.context.seed(),
                        kScoreDraws, 0.95, all.units);
  return results.has_labels()
             ? at_least_as_wide(
                   by_unit, share_difference(all.steered, all.answers,
                                             all.plain, std::ssize(all.plain)))
             : by_unit;
}

// Random vectors of one kind in the place of a chosen cell.
struct Controls {
  std::vector<double> effects;  // one by vector, more is better for the goal
  std::int64_t questions = 0;   // that they answered together
  ByQuestion by_question;
  Estimate mean;
  std::optional<double> percentile;  // none for few vectors
  const CellPrice* price = nullptr;  // null = not measured
};

Controls controls_of(const Sweep& sweep, const SweepResults& results,
                     const std::vector<SweepCell>& cells, const Goal& goal) {
  Controls controls;
  if (cells.empty()) {
    return controls;
  }
  for (const auto& cell : cells) {
    controls.effects.push_back(present_mean(results.changes(cell, goal)));
  }
  controls.by_question = by_question(results, cells, goal);
  const auto& all = controls.by_question;
  controls.questions = std::ssize(all.steered);
  if (!std::ranges::all_of(controls.effects,
                           [](double x) { return std::isfinite(x); })) {
    return controls;
  }
  controls.mean = mean_over_vectors(controls.effects,
                                    doubt_about_questions(sweep, results, all));
  controls.percentile = random_percentile(controls.effects);
  return controls;
}

// The kind whose mean is larger, the one that leaves less of an effect.
bool has_larger_mean(const Controls& a, const Controls& b) {
  return a.mean.defined() && (!b.mean.defined() || a.mean.value > b.mean.value);
}

// The kind that does more: by the value that 95 of 100 stay below, and with too
// few vectors for one by the mean.
bool does_more(const Controls& a, const Controls& b) {
  if (a.percentile && b.percentile) {
    return *a.percentile > *b.percentile;
  }
  if (a.mean.defined() && b.mean.defined()) {
    return a.mean.value > b.mean.value;
  }
  return a.mean.defined();
}

// NaN where nothing was measured.
bool is_close(double control, double real) {
  return std::abs(control - real) <= kMatch * real;
}

Json match_json(const CellPrice* real, const Controls& controls) {
  if (real == nullptr || controls.price == nullptr ||
      std::isnan(real->moved_mean)) {
    return nullptr;
  }
  return is_close(controls.price->moved_mean, real->moved_mean) &&
         is_close(controls.price->moved_p95, real->moved_p95);
}

Json displacement_json(const CellPrice* real, const Controls& controls) {
  if (real == nullptr || controls.price == nullptr) {
    return nullptr;
  }
  return {{"real_mean", number_or_null(real->moved_mean)},
          {"real_p95", number_or_null(real->moved_p95)},
          {"control_mean", number_or_null(controls.price->moved_mean)},
          {"control_p95", number_or_null(controls.price->moved_p95)}};
}

Json search_json(const Controls& searched, const char* kind, double sign) {
  Json effects = Json::array();
  for (const double effect : searched.effects) {
    effects.push_back(number_or_null(sign * effect));
  }
  return {{"kind", kind},
          {"vectors", searched.effects.size()},
          {"questions", searched.questions},
          {"mean", estimate_json(turned(searched.mean, sign))},
          {"percentile_95", number_json(searched.percentile, sign)},
          {"effects", effects}};
}

// Both kinds of random vectors, plain and searched.
struct BothKinds {
  Controls isotropic;
  Controls covariance;

  // Of whom an effect is the rest.
  bool covariance_is_control() const {
    return has_larger_mean(covariance, isotropic);
  }
  const Controls& control() const {
    return covariance_is_control() ? covariance : isotropic;
  }
  const char* control_kind() const {
    return covariance_is_control() ? "covariance" : "isotropic";
  }
  // Whose bar is higher.
  bool covariance_does_more() const { return does_more(covariance, isotropic); }
  const Controls& more() const {
    return covariance_does_more() ? covariance : isotropic;
  }
  const char* kind() const {
    return covariance_does_more() ? "covariance" : "isotropic";
  }
};

double natural_gaps(Sweep& sweep, const Best& best, const CellPrice* price) {
  const auto& vectors = sweep.runner.size().vectors;
  if (price == nullptr ||
      std::ranges::find(vectors, best.vector) == vectors.end()) {
    return kUndefined;
  }
  double sum = 0.0;
  for (const auto& [layer, length] : price->length_by_layer) {
    sum += length / sweep.runner.shelf().class_gap(best.vector, layer);
  }
  return sum / static_cast<double>(price->length_by_layer.size());
}

// The effect of the chosen cell minus that of its controls, or the effect where
// these move against the goal (control_mean.h). Many vectors'
// answers to one question say no more of other questions than the unsteered
// answer does, so that each question counts once on both sides.
Estimate beyond_controls(const Sweep& sweep, const SweepResults& results,
                         const Best& best, const Controls& controls) {
  const auto& random = controls.by_question;
  const double sign = results.sign_of(best.goal);
  const auto outcomes = results.outcomes(best.cell, best.goal);
  std::vector<double> own;  // of the questions that the controls answered
  for (const auto question : random.questions) {
    const auto at = question - best.cell.first_question;
    own.push_back(at >= 0 && at < std::ssize(outcomes)
                      ? outcomes[static_cast<std::size_t>(at)]
                      : kUndefined);
  }
  const bool has_labels = results.has_labels();
  // Outcomes are turned already: more is better for the goal.
  const auto paired =
      has_labels
          ? share_difference(own, std::ssize(own), random.steered,
                             std::ssize(random.steered), 0.95, random.units)
          : paired_difference(own, random.steered, sweep.context.seed(),
                              kScoreDraws, 0.95, random.units);
  const auto effect =
      turned(results.effect(results.of(best.cell.row.id), best.goal), sign);
  const double most =
      has_labels ? 1.0 : std::numeric_limits<double>::infinity();
  return beyond_vectors(effect, controls.effects, paired, most);
}

Json kind_json(const Controls& controls, double sign) {
  return {{"n", controls.effects.size()},
          {"percentile_95", number_json(controls.percentile, sign)}};
}

Json control_json(const BothKinds& plain, const BothKinds& searched,
                  const CellPrice* real, bool is_searched, double sign) {
  const auto& more = plain.control();
  if (!more.mean.defined()) {
    return nullptr;
  }
  const bool has_search = searched.more().mean.defined();
  return {{"kind", plain.control_kind()},
          {"vectors", more.effects.size()},
          {"questions", more.questions},
          {"mean", estimate_json(turned(more.mean, sign))},
          {"subtracted", sign * std::max(0.0, more.mean.value)},
          {"percentile_95", number_json(more.percentile, sign)},
          {"displacement", displacement_json(real, more)},
          {"divergence", more.price == nullptr
                             ? Json(nullptr)
                             : number_or_null(more.price->nats.p95)},
          {"searched", has_search && is_searched},
          {"search", has_search
                         ? search_json(searched.more(), searched.kind(), sign)
                         : Json(nullptr)},
          {"match", match_json(real, more)}};
}

// What the effect could be at most.
Json room_json(const Sweep& sweep, const SweepResults& results,
               const Goal& goal) {
  if (!results.has_labels()) {
    return nullptr;
  }
  const auto plain = unsteered_cell(sweep.cells, goal.model, "test");
  return number_or_null(1.0 - results.share(results.all()[plain], goal).value);
}

}  // namespace

void add_control_numbers(Sweep& sweep, const Best& best,
                         const SweepResults& results, Json& entry) {
  const auto& goal = best.goal;
  const double sign = results.sign_of(goal);
  const auto* price = sweep.divergences.price(best.select_cell);
  BothKinds plain{controls_of(sweep, results, best.random, goal),
                  controls_of(sweep, results, best.covariance, goal)};
  const auto questions = sweep.context.manifest().sweep.kl_questions;
  plain.isotropic.price =
      sweep.divergences.pooled(sweep.runner, questions, best.random);
  plain.covariance.price =
      sweep.divergences.pooled(sweep.runner, questions, best.covariance);
  const BothKinds searched{
      controls_of(sweep, results, best.random_searched, goal),
      controls_of(sweep, results, best.covariance_searched, goal)};
  const auto minus = beyond_controls(sweep, results, best, plain.control());
  entry["matched_control"] =
      control_json(plain, searched, price,
                   operator_group(best.cell.row.operation) == "linear", sign);
  entry["effect_minus_control"] = estimate_json(turned(minus, sign));
  entry["room"] = room_json(sweep, results, goal);
  entry["divergence"] =
      divergence_json(price == nullptr ? nullptr : &price->nats);
  entry["natural_gaps"] = number_or_null(natural_gaps(sweep, best, price));
  entry["random_effect"] = estimate_json(turned(plain.isotropic.mean, sign));
  entry["covariance_effect"] =
      estimate_json(turned(plain.covariance.mean, sign));
  entry["random_vectors"] = kind_json(plain.isotropic, sign);
  entry["covariance_vectors"] = kind_json(plain.covariance, sign);
  entry["control"] =
      best.random.empty() ? Json(nullptr) : Json(best.random.front().row.id);
  add_verdict(entry, sweep.context.manifest().sweep.min_coherent);
}

}  // namespace veer
