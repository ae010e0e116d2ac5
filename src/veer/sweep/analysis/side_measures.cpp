// SPDX-License-Identifier: MIT
#include "veer/sweep/analysis/side_measures.h"

#include <algorithm>
#include <span>

#include <nlohmann/json.hpp>

#include "veer/run/unrelated_texts.h"
#include "veer/sweep/cell_shifts.h"

namespace veer {
namespace {

// So many random vectors stand for what any vector of the size does to
// unrelated texts.
constexpr std::size_t kRandomVectors = 8;

using Texts = std::vector<QuestionAnswer>;

Texts first_unrelated(const Manifest& manifest) {
  auto texts = unrelated_texts(manifest.extract.unrelated);
  const auto limit = static_cast<std::size_t>(manifest.sweep.specificity_texts);
  texts.resize(std::min(texts.size(), limit));
  return texts;
}

// What a model is asked, with the answer that it gives by itself.
Texts own_answers(const Sweep& sweep, const Goal& goal) {
  const auto questions = sweep.context.manifest().sweep.kl_questions;
  Texts texts;
  if (questions == 0) {
    return texts;
  }
  for (const auto& record :
       first_records(sweep.runner.questions("select"), questions)) {
    texts.emplace_back(record.question,
                       goal.model == "base" ? record.honest : record.deceptive);
  }
  return texts;
}

Json side_effects_json(const SideEffects& effects) {
  return {{"divergence",
           {{"mean", estimate_json(effects.mean_divergence)},
            {"p95", estimate_json(effects.p95_divergence)}}},
          {"log_prob_change", estimate_json(effects.log_prob_change)},
          {"top_kept", estimate_json(effects.top_kept)}};
}

std::vector<const SweepCell*> first_of(const std::vector<SweepCell>& cells) {
  std::vector<const SweepCell*> list;
  for (const auto& cell : cells) {
    if (list.size() < kRandomVectors) {
      list.push_back(&cell);
    }
  }
  return list;
}

}  // namespace

std::vector<SideMeasures::Wanted> SideMeasures::wanted(const Sweep& sweep,
                                                       const Goal& goal) {
  std::vector<Wanted> list;
  for (const auto& best : sweep.best) {
    if (best.goal.name != goal.name ||
        (best.group != "any" && best.group != "linear")) {
      continue;
    }
    const auto known = std::ranges::find_if(list, [&](const Wanted& other) {
      return other.cell->row.id == best.cell.row.id;
    });
    if (known == list.end()) {
      const bool covariance = !best.covariance.empty();
      const auto& random = covariance ? best.covariance : best.random;
      list.push_back(
          {&best.cell,
           random.empty() ? "" : (covariance ? "covariance" : "isotropic"),
           first_of(random)});
    }
  }
  for (const auto& baseline : sweep.baselines) {
    if (baseline.goal.name == goal.name) {
      list.push_back({&baseline.cell, "", {}});
    }
  }
  return list;
}

SideMeasures::SideMeasures(Sweep& sweep, const SweepResults& results) {
  for (const auto& goal : goals(sweep.context.manifest().sweep)) {
    const auto cells = wanted(sweep, goal);
    if (!cells.empty()) {
      measure_texts(sweep, goal, cells);
      measure_divergence(sweep, goal);
      measure_questions(sweep, results, goal, cells);
    }
  }
}

void SideMeasures::measure_texts(Sweep& sweep, const Goal& goal,
                                 const std::vector<Wanted>& wanted) {
  const auto texts = first_unrelated(sweep.context.manifest());
  num_texts_ = std::ssize(texts);
  if (texts.empty()) {
    return;
  }
  std::vector<const SweepCell*> cells;
  for (const auto& entry : wanted) {
    cells.push_back(entry.cell);
    cells.insert(cells.end(), entry.random.begin(), entry.random.end());
  }
  const auto shifts =
      cell_shifts(sweep.context, sweep.runner, cells, goal.model, texts);
  const auto seed = sweep.context.seed();
  std::size_t at = 0;
  for (const auto& entry : wanted) {
    Specificity found;
    found.own = side_effects(shifts[at++], seed);
    std::vector<SideEffects> random;
    for (std::size_t i = 0; i < entry.random.size(); ++i) {
      random.push_back(side_effects(shifts[at++], seed));
    }
    if (!random.empty()) {
      found.kind = entry.kind;
      found.vectors = std::ssize(random);
      found.random = mean_over_vectors(random);
    }
    specificity_[key(*entry.cell, goal)] = std::move(found);
  }
}

void SideMeasures::measure_divergence(Sweep& sweep, const Goal& goal) {
  const auto texts = own_answers(sweep, goal);
  std::vector<const SweepCell*> cells;
  for (const auto& baseline : sweep.baselines) {
    if (baseline.goal.name == goal.name) {
      cells.push_back(&baseline.cell);
    }
  }
  if (texts.empty() || cells.empty()) {
    return;
  }
  const auto shifts =
      cell_shifts(sweep.context, sweep.runner, cells, goal.model, texts);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::vector<double> tokens;
    for (const auto& text : shifts[i]) {
      tokens.insert(tokens.end(), text.divergence.begin(),
                    text.divergence.end());
    }
    divergence_[key(*cells[i], goal)] = summarise_divergence(tokens);
  }
}

void SideMeasures::measure_questions(Sweep& sweep, const SweepResults& results,
                                     const Goal& goal,
                                     const std::vector<Wanted>& wanted) {
  const auto questions =
      std::min(sweep.context.manifest().sweep.propensity_questions,
               asked_of_best(sweep));
  if (questions == 0) {
    return;
  }
  std::vector<SweepCell> cells = {
      sweep.cells[unsteered_cell(sweep.cells, goal.model, "test")]};
  for (const auto& entry : wanted) {
    cells.push_back(*entry.cell);
  }
  std::vector<std::vector<double>> leaning;
  if (results.has_labels()) {
    leaning = sweep.runner.propensities(cells, questions, "sweep: log-odds");
  } else {
    // The score of every answer is the same log-odds.
    for (const auto& cell : cells) {
      leaning.push_back(results.scores(cell));
    }
  }
  // The deceptive answer's lead is to grow for induction, to shrink otherwise.
  const double sign = goal.name == "induction" ? 1.0 : -1.0;
  const auto units = results.units("test");
  for (std::size_t i = 1; i < cells.size(); ++i) {
    std::vector<double> towards;
    for (std::size_t q = 0; q < static_cast<std::size_t>(questions); ++q) {
      towards.push_back(sign * (leaning[i][q] - leaning[0][q]));
    }
    steerability_[key(cells[i], goal)] =
        steerability(towards, sweep.context.seed(), units);
  }
}

Json SideMeasures::specificity_json(const SweepCell& cell,
                                    const Goal& goal) const {
  const auto found = specificity_.find(key(cell, goal));
  if (found == specificity_.end()) {
    return nullptr;
  }
  Json entry = side_effects_json(found->second.own);
  entry["texts"] = num_texts_;
  entry["random"] = nullptr;
  if (found->second.vectors > 0) {
    entry["random"] = side_effects_json(found->second.random);
    entry["random"]["kind"] = found->second.kind;
    entry["random"]["vectors"] = found->second.vectors;
  }
  return entry;
}

Json SideMeasures::anti_steerable_json(const SweepCell& cell,
                                       const Goal& goal) const {
  const auto found = steerability_.find(key(cell, goal));
  if (found == steerability_.end()) {
    return nullptr;
  }
  const auto& own = found->second;
  Json quartiles = Json::array();
  for (const double value : own.quartiles) {
    quartiles.push_back(number_or_null(value));
  }
  return {{"share", estimate_json(own.anti)},
          {"mean", estimate_json(own.mean)},
          {"sd", number_or_null(own.sd)},
          {"quartiles", quartiles}};
}

Json SideMeasures::divergence_json(const SweepCell& cell,
                                   const Goal& goal) const {
  const auto found = divergence_.find(key(cell, goal));
  return veer::divergence_json(found == divergence_.end() ? nullptr
                                                          : &found->second);
}

}  // namespace veer
