// SPDX-License-Identifier: MIT
#include "veer/study/sweep_evidence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/metrics/intervals.h"

namespace veer {
namespace {

constexpr double kUsable = 0.75;  // share of unbroken answers
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

std::string text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : "";
}

double number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>()
                                                     : kUndefined;
}

std::optional<double> part(const Json& entry, const char* estimate,
                           const char* key) {
  const auto found = entry.find(estimate);
  const double value = found == entry.end() ? kUndefined : number(*found, key);
  return std::isnan(value) ? std::nullopt : std::optional<double>(value);
}

Measure measure(const Json& entry, const char* estimate) {
  Measure out;
  out.value = part(entry, estimate, "value");
  out.low = part(entry, estimate, "low");
  out.high = part(entry, estimate, "high");
  out.n = static_cast<std::int64_t>(part(entry, estimate, "n").value_or(0.0));
  if (!out.value) {
    out.reason = "undefined";
  }
  return out;
}

std::vector<double> minus(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] -= b[i];
  }
  return a;
}

// Mean over cells, question by question; questions that a cell lacks count
// for none.
std::vector<double> mean_of(const std::vector<std::vector<double>>& cells) {
  std::vector<double> mean = cells.front();
  for (std::size_t c = 1; c < cells.size(); ++c) {
    for (std::size_t q = 0; q < mean.size(); ++q) {
      mean[q] += cells[c][q];
    }
  }
  for (double& value : mean) {
    value /= static_cast<double>(cells.size());
  }
  return mean;
}

// Leaves the questions that every rung has.
void keep_common(std::vector<ScaleRung>& ladder) {
  const auto n = ladder.front().coherent.size();
  std::vector<bool> keep(n, true);
  for (const auto& rung : ladder) {
    for (std::size_t q = 0; q < n; ++q) {
      keep[q] = keep[q] && !std::isnan(rung.coherent[q] + rung.effect[q]);
    }
  }
  const auto thin = [&](std::vector<double>& values) {
    std::size_t q = 0;
    std::erase_if(values, [&](double) { return !keep[q++]; });
  };
  for (auto& rung : ladder) {
    thin(rung.coherent);
    thin(rung.effect);
  }
}

// The entry of a vector and goal that has a cell confirmed on test; null if
// there is none. An empty group: any.
const Json* confirmed(const Json& entries, const std::string& vector,
                      std::string_view goal, std::string_view group = "") {
  for (const auto& entry : entries) {
    if (text(entry, "vector") == vector && text(entry, "goal") == goal &&
        (group.empty() || text(entry, "group") == group) &&
        entry.contains("effect") && entry.at("cell").is_number()) {
      return &entry;
    }
  }
  return nullptr;
}

// What an effect must exceed: the 95th percentile of either kind of random
// vector, and where those are few, the interval of the isotropic ones.
std::optional<double> most_of_random(const Json& entry) {
  std::optional<double> most;
  for (const char* kind : {"random_vectors", "covariance_vectors"}) {
    if (entry.contains(kind)) {
      const auto at = part(entry, kind, "percentile_95");
      most = at && (!most || *at > *most) ? at : most;
    }
  }
  return most ? most : part(entry, "random_effect", "high");
}

SteeringOutcome outcome_of(const Json& entry) {
  SteeringOutcome outcome;
  outcome.effect = measure(entry, "effect");
  outcome.random_effect = most_of_random(entry);
  outcome.coherent = part(entry, "coherent", "value");
  const std::string layers = text(entry, "layers");
  if (!layers.empty() &&
      layers.find_first_not_of("0123456789") == std::string::npos) {
    outcome.layer = std::stoll(layers);
  }
  return outcome;
}

std::optional<Measure> defined(const Estimate& estimate) {
  return estimate.defined() ? std::optional<Measure>(measure_of(estimate))
                            : std::nullopt;
}

}  // namespace

bool has_unfit_judge(const Json& sweep) {
  return member(member(sweep, "judge"), "fit") == Json(false);
}

std::string why_no_labels(const Json& sweep) {
  const Json& judge = member(sweep, "judge");
  const auto kind = string_member(judge, "kind");
  if (kind.empty() || kind == "logprob") {
    return "the judge gives scores, not labels (judge.kind)";
  }
  return has_unfit_judge(sweep)
             ? fmt::format("the judge {} is not fit (judge.kind)", kind)
             : "";
}

SweepEvidence::SweepEvidence(const Json& sweep,
                             std::span<const AnswerRow> answers,
                             std::uint64_t seed)
    : sweep_(sweep), seed_(seed) {
  if (!sweep.is_object() || !sweep.contains("cells")) {
    why_ = "the sweep has not run";
    return;
  }
  why_ = why_no_labels(sweep);
  if (!why_.empty()) {
    return;
  }
  for (const auto& entry : sweep.at("cells")) {
    cells_[entry.at("id").get<std::int64_t>()] = &entry;
  }
  for (const auto& row : answers) {
    const auto found = cells_.find(row.cell);
    if (found != cells_.end() && text(*found->second, "split") == "test") {
      auto& own = answers_[row.cell];
      own.question.push_back(row.question);
      own.label.push_back(parse_label(row.label));
      num_questions_ = std::max(num_questions_, row.question + 1);
    }
  }
}

const Json* SweepEvidence::cell(std::int64_t id) const {
  const auto found = cells_.find(id);
  return found == cells_.end() ? nullptr : found->second;
}

const Json* SweepEvidence::unsteered(const char* model) const {
  for (const auto& [id, entry] : cells_) {
    if (text(*entry, "vector").empty() && text(*entry, "model") == model &&
        text(*entry, "split") == "test") {
      return entry;
    }
  }
  return nullptr;
}

const Json* SweepEvidence::best(const std::string& vector,
                                const char* goal) const {
  return confirmed(member(sweep_, "best"), vector, goal);
}

const Json* SweepEvidence::best_addition(const std::string& vector,
                                         const char* goal) const {
  return confirmed(member(sweep_, "groups"), vector, goal, "linear");
}

std::vector<double> SweepEvidence::labelled(const Json& cell,
                                            AnswerLabel label) const {
  const auto found = answers_.find(cell.at("id").get<std::int64_t>());
  return found == answers_.end()
             ? std::vector<double>(static_cast<std::size_t>(num_questions_),
                                   kUndefined)
             : label_by_question(found->second, label, num_questions_);
}

std::vector<double> SweepEvidence::coherent(const Json& cell) const {
  const auto found = answers_.find(cell.at("id").get<std::int64_t>());
  return found == answers_.end()
             ? std::vector<double>(static_cast<std::size_t>(num_questions_),
                                   kUndefined)
             : coherent_by_question(found->second, num_questions_);
}

std::vector<double> SweepEvidence::change(const Json& cell,
                                          AnswerLabel label) const {
  const Json* plain = unsteered(text(cell, "model").c_str());
  return plain == nullptr
             ? std::vector<double>(static_cast<std::size_t>(num_questions_),
                                   kUndefined)
             : minus(labelled(cell, label), labelled(*plain, label));
}

std::vector<const Json*> SweepEvidence::added(
    const std::string& vector, std::string_view operation) const {
  std::vector<const Json*> list;
  for (const auto& [id, entry] : cells_) {
    if (text(*entry, "operator") == operation &&
        text(*entry, "unit") == "rel" && text(*entry, "split") == "test" &&
        text(*entry, "model") == "base" && text(*entry, "vector") == vector) {
      list.push_back(entry);
    }
  }
  return list;
}

Estimate SweepEvidence::induction_difference(
    const std::vector<const Json*>& a,
    const std::vector<const Json*>& b) const {
  const auto place = [](const Json& entry) {
    return std::tuple(text(entry, "layers"), number(entry, "scale"));
  };
  const auto usable = [](const Json& entry) {
    return part(entry, "coherent", "value").value_or(0.0) >= kUsable;
  };
  std::vector<std::vector<double>> of_a;
  std::vector<std::vector<double>> of_b;
  for (const Json* own : a) {
    for (const Json* other : b) {
      if (place(*own) == place(*other) && usable(*own) && usable(*other)) {
        of_a.push_back(labelled(*own, AnswerLabel::kDeceptive));
        of_b.push_back(labelled(*other, AnswerLabel::kDeceptive));
        break;
      }
    }
  }
  if (of_a.empty()) {
    return {};
  }
  // Shares, whose interval keeps its width where all questions agree.
  const auto mean_a = mean_of(of_a);
  const auto mean_b = mean_of(of_b);
  std::int64_t answers = 0;
  for (std::size_t q = 0; q < mean_a.size(); ++q) {
    answers += std::isnan(mean_a[q] + mean_b[q]) ? 0 : std::ssize(of_a);
  }
  return share_difference(mean_a, answers, mean_b, answers);
}

Estimate SweepEvidence::ease_difference(const std::string& vector) const {
  const Json* down = best(vector, "suppression");
  const Json* up = best(vector, "induction");
  const Json* base = unsteered("base");
  const Json* tuned = unsteered("tuned");
  if (down == nullptr || up == nullptr || base == nullptr || tuned == nullptr) {
    return {};
  }
  const Json* down_cell = cell(down->at("cell").get<std::int64_t>());
  const Json* up_cell = cell(up->at("cell").get<std::int64_t>());
  if (down_cell == nullptr || up_cell == nullptr) {
    return {};
  }
  const auto gap = [&](const Json& high, const Json& low, AnswerLabel label) {
    return minus(labelled(high, label), labelled(low, label));
  };
  return paired_ratio_difference(change(*down_cell, AnswerLabel::kHonest),
                                 gap(*base, *tuned, AnswerLabel::kHonest),
                                 change(*up_cell, AnswerLabel::kDeceptive),
                                 gap(*tuned, *base, AnswerLabel::kDeceptive),
                                 seed_);
}

void SweepEvidence::add_to(HypothesisInput& input) const {
  if (!has_labels()) {
    return;
  }
  const Json* base = unsteered("base");
  const Json* tuned = unsteered("tuned");
  if (base != nullptr && tuned != nullptr) {
    // One answer a question: shares, whose interval keeps its width when
    // every question moved.
    const auto after = labelled(*tuned, AnswerLabel::kDeceptive);
    const auto before = labelled(*base, AnswerLabel::kDeceptive);
    input.behaviour_gap = defined(
        share_difference(after, std::ssize(after), before, std::ssize(before)));
  }
  for (const auto& [kind, vector] :
       {std::pair{"contrastive", input.contrastive},
        std::pair{"finetuned", input.finetuned}}) {
    for (const char* goal : {"induction", "suppression"}) {
      if (const Json* entry = best(vector, goal)) {
        input.outcomes[std::string(goal) + "/" + kind] = outcome_of(*entry);
      }
    }
    if (const Json* entry = best_addition(vector, "induction")) {
      input.additions[kind] = outcome_of(*entry);
    }
  }
  input.induction_difference = defined(
      induction_difference(added(input.contrastive), added(input.finetuned)));
  input.ease_difference = defined(ease_difference(input.finetuned));
}

std::vector<Estimate> SweepEvidence::effect_by_layer(
    const std::string& vector) const {
  std::map<std::int64_t, std::vector<std::vector<double>>> layers;
  for (const Json* entry : added(vector)) {
    if (entry->at("layer").is_number()) {
      layers[entry->at("layer").get<std::int64_t>()].push_back(
          change(*entry, AnswerLabel::kDeceptive));
    }
  }
  // A sweep over some layers cannot tell where most of the effect is.
  if (layers.size() < 2 || layers.rbegin()->first + 1 != std::ssize(layers)) {
    return {};
  }
  std::vector<std::vector<double>> effects;
  for (const auto& [layer, cells] : layers) {
    auto mean = mean_of(cells);
    std::erase_if(mean, [](double x) { return std::isnan(x); });
    effects.push_back(std::move(mean));
  }
  return max_t(effects, seed_).cells;
}

std::vector<Breakdown> SweepEvidence::breakdowns() const {
  // One ladder per chosen place: vector, operator and layers of "best".
  std::vector<Breakdown> out;
  if (!sweep_.contains("best")) {
    return out;
  }
  for (const auto& chosen : sweep_.at("best")) {
    std::map<double, ScaleRung> rungs;
    for (const auto& [id, entry] : cells_) {
      if (text(*entry, "unit") != "rel" || text(*entry, "split") != "test" ||
          text(*entry, "vector") != text(chosen, "vector") ||
          text(*entry, "model") != text(chosen, "model") ||
          text(*entry, "layers") != text(chosen, "layers") ||
          text(*entry, "operator") != text(chosen, "operator")) {
        continue;
      }
      const double scale = number(*entry, "scale");
      // The confirming cell of more questions comes later: the grid's counts.
      if (scale > 0.0 && !rungs.contains(scale)) {
        rungs[scale] = {scale, coherent(*entry),
                        change(*entry, AnswerLabel::kDeceptive)};
      }
    }
    if (rungs.size() < 2) {
      continue;
    }
    std::vector<ScaleRung> ladder;
    for (auto& [scale, rung] : rungs) {
      ladder.push_back(std::move(rung));
    }
    keep_common(ladder);
    if (!ladder.front().coherent.empty()) {
      out.push_back(breakdown(ladder, seed_));
    }
  }
  return out;
}

CellHypothesisInput SweepEvidence::cell_input(const std::string& vector) const {
  CellHypothesisInput input;
  if (has_labels()) {
    input.effect_by_layer = effect_by_layer(vector);
    input.breakdowns = breakdowns();
    input.keep_norm_minus_add =
        induction_difference(added(vector, "add_keep_norm"), added(vector));
    input.all_layers_minus_one = layer_mode_difference(vector);
  }
  return input;
}

// All layers at once minus the chosen one, at equal divergence, on the base
// model.
Estimate SweepEvidence::layer_mode_difference(const std::string& vector) const {
  Estimate estimate;
  for (const auto& entry : sweep_.value("contrasts", Json::array())) {
    if (entry.value("claim", "") != "H19" ||
        entry.value("vector", "") != vector ||
        entry.value("goal", "") != "induction") {
      continue;
    }
    const auto found = measure(entry, "difference");
    if (found.value && found.low && found.high) {
      estimate = {*found.value, *found.low, *found.high, found.n, ""};
    }
  }
  return estimate;
}

}  // namespace veer
