// SPDX-License-Identifier: MIT
#include "veer/study/sweep_document.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/metrics/intervals.h"
#include "veer/study/sweep_analysis.h"
#include "veer/study/sweep_coherence.h"
#include "veer/study/sweep_search.h"
#include "veer/study/vector_names.h"

namespace veer {
namespace {

// Effect of random vectors in the place of the chosen one.
Estimate control_effect(const SweepResults& results,
                        const std::vector<SweepCell>& controls,
                        const Goal& goal) {
  return controls.empty() ? Estimate{}
                          : results.effect(results.pooled(controls), goal);
}

// The cell in which the other model's states are copied at these layers; the
// last layer's where several act, because that copies its answers.
const SweepCell* ceiling_cell(const Sweep& sweep, const std::string& layers,
                              const std::string& model) {
  const auto num_layers = sweep.runner.size().num_layers;
  const SweepCell* last = nullptr;
  for (const auto& cell : sweep.cells) {
    if (cell.row.vector != kPatchVector || cell.row.model != model) {
      continue;
    }
    if (cell.row.layers == layers) {
      return &cell;
    }
    if (cell.layer() == num_layers - 1) {
      last = &cell;
    }
  }
  return layers.find_first_not_of("0123456789") == std::string::npos ? nullptr
                                                                     : last;
}

// Effect of the cell over the effect of copying the other model's states,
// on the questions that both were asked.
Estimate ceiling_share(const Sweep& sweep, const SweepResults& results,
                       const SweepCell& cell, const Goal& goal) {
  const auto* ceiling = ceiling_cell(sweep, cell.row.layers, goal.model);
  if (ceiling == nullptr) {
    return {};
  }
  const auto common = std::min(cell.num_questions, ceiling->num_questions);
  return paired_ratio(results.changes(cell, goal, common),
                      results.changes(*ceiling, goal, common),
                      sweep.context.seed(), 0.1, 2000);
}

struct ControlText {
  bool beats = false;
  bool valid_site = true;
  std::string reason;
};

// Suppression wants a smaller score; shares always want more.
ControlText against_random(const SweepResults& results, const Goal& goal,
                           const Estimate& effect, const Estimate& random,
                           const Estimate& covariance) {
  const bool downwards = !results.has_labels() && goal.name == "suppression";
  const auto moved = [&](const Estimate& e) {
    return e.defined() && (downwards ? e.high < 0.0 : e.low > 0.0);
  };
  const auto beats = [&](const Estimate& control) {
    return !control.defined() ||
           (downwards ? effect.high < control.low : effect.low > control.high);
  };
  ControlText text;
  text.valid_site = !moved(random) && !moved(covariance);
  text.beats = random.defined() && effect.defined() && moved(effect) &&
               beats(random) && beats(covariance);
  if (!text.beats && random.defined()) {
    text.reason = "its interval reaches that of random vectors";
  } else if (!text.valid_site) {
    text.reason = "random vectors act at this place too";
  }
  return text;
}

Json best_entry(const Sweep& sweep, const Best& best,
                const SweepResults& results) {
  const auto& cell = results.of(best.cell.row.id);
  const auto baseline = unsteered_cell(sweep.cells, best.goal.model, "test");
  const Estimate effect = results.effect(cell, best.goal);
  const Estimate random = control_effect(results, best.random, best.goal);
  const Estimate covariance =
      control_effect(results, best.covariance, best.goal);
  const auto control =
      against_random(results, best.goal, effect, random, covariance);
  const auto& row = best.cell.row;
  return {{"vector", best.vector},
          {"family", vector_family(best.vector)},
          {"goal", best.goal.name},
          {"model", best.goal.model},
          {"group", best.group},
          {"cell", row.id},
          {"layers", row.layers},
          {"unit", row.unit},
          {"scale", row.scale},
          {"operator", row.operation},
          {"scope", best.cell.act.scope},
          {"measure", results.measure(best.goal)},
          {"chosen_on", "select"},
          {"select_value", best.select_value},
          {"candidates", best.num_candidates},
          {"baseline",
           estimate_json(results.share(results.all()[baseline], best.goal))},
          {"effect", estimate_json(effect)},
          {"share", estimate_json(results.share(cell, best.goal))},
          {"coherent", estimate_json(cell.summary.coherent)},
          {"wrong_way", estimate_json(cell.summary.wrong_way)},
          {"of_ceiling",
           estimate_json(ceiling_share(sweep, results, best.cell, best.goal))},
          {"random_effect", estimate_json(random)},
          {"covariance_effect", estimate_json(covariance)},
          {"control", best.random.empty() ? Json(nullptr)
                                          : Json(best.random.front().row.id)},
          {"beats_random", control.beats},
          {"valid_site", control.valid_site},
          {"reason", control.reason}};
}

Json all_best_json(const Sweep& sweep, const SweepResults& results) {
  Json list = Json::array();
  for (const auto& best : sweep.best) {
    if (best.group == "any") {
      list.push_back(best_entry(sweep, best, results));
    }
  }
  // A vector without any coherent cell is said to have none.
  for (const auto& vector : sweep.runner.size().vectors) {
    for (const auto& goal : goals(sweep.context.manifest().sweep)) {
      const bool found = std::any_of(
          sweep.best.begin(), sweep.best.end(), [&](const Best& best) {
            return best.vector == vector && best.goal.name == goal.name &&
                   best.group == "any";
          });
      if (!found) {
        list.push_back({{"vector", vector},
                        {"family", vector_family(vector)},
                        {"goal", goal.name},
                        {"model", goal.model},
                        {"cell", nullptr},
                        {"reason", "no cell left enough unbroken text"}});
      }
    }
  }
  return list;
}

Json groups_json(const Sweep& sweep, const SweepResults& results) {
  Json list = Json::array();
  for (const auto& best : sweep.best) {
    if (best.group != "any") {
      list.push_back(best_entry(sweep, best, results));
    }
  }
  return list;
}

Json proof_json(const Sweep& sweep) {
  Json kinds = Json::array();
  double largest = 0.0;
  std::int64_t strays = 0;
  bool holds = true;
  for (const auto& cell : sweep.proofs) {
    double error = 0.0;
    double moved = 0.0;
    Json ways = Json::object();
    std::int64_t own_strays = 0;
    for (const auto& site : cell.proof.sites) {
      error = std::max(error, site.largest_error);
      moved = std::max(moved, site.mean_displacement);
      own_strays += site.strays;
      ways[site.way] = {{"tokens_meant", site.tokens_meant},
                        {"tokens_moved", site.tokens_moved}};
    }
    kinds.push_back({{"operator", cell.row.operation},
                     {"unit", cell.row.unit},
                     {"scope", cell.scope},
                     {"layers", cell.row.layers},
                     {"model", cell.row.model},
                     {"vector", cell.row.vector},
                     {"scale", cell.row.scale},
                     {"sites", cell.proof.sites.size() / 3},
                     {"holds", cell.proof.holds},
                     {"largest_error", error},
                     {"strays", own_strays},
                     {"mean_displacement", moved},
                     {"ways", ways}});
    largest = std::max(largest, error);
    strays += own_strays;
    holds = holds && cell.proof.holds;
  }
  return {{"holds", holds},
          {"tolerance", sweep.proofs.empty()
                            ? Json(nullptr)
                            : Json(sweep.proofs.front().proof.tolerance)},
          {"largest_error", largest},
          {"strays", strays},
          {"kinds", kinds}};
}

// For the number of configurations that were searched and reported: on
// select, the chosen one among all candidates (max-t over them); on test, the
// chosen ones of a goal together.
Json corrections_json(const Sweep& sweep, const SweepResults& results) {
  const auto seed = sweep.context.seed();
  Json list = Json::array();
  for (const auto& goal : goals(sweep.context.manifest().sweep)) {
    std::vector<const Best*> reported;
    std::vector<std::vector<double>> changes;
    for (const auto& best : sweep.best) {
      if (best.group == "any" && best.goal.name == goal.name) {
        reported.push_back(&best);
        changes.push_back(results.changes(best.cell, goal));
      }
    }
    if (reported.empty()) {
      continue;
    }
    const auto together = max_t(changes, seed, 2000);
    for (std::size_t i = 0; i < reported.size(); ++i) {
      std::vector<std::vector<double>> candidates;
      std::size_t chosen = 0;
      for (const auto& result : results.all()) {
        const auto& cell = result.cell;
        if (cell.row.split == "select" && cell.row.model == goal.model &&
            !cell.is_trial && cell.row.vector == reported[i]->vector) {
          chosen = cell.row.id == reported[i]->select_cell.row.id
                       ? candidates.size()
                       : chosen;
          candidates.push_back(results.changes(cell, goal));
        }
      }
      const auto searched = max_t(candidates, seed, 1000);
      list.push_back(
          {{"vector", reported[i]->vector},
           {"goal", goal.name},
           {"searched", reported[i]->num_candidates},
           {"select_value", reported[i]->select_value},
           // After a search the p of those that came through says nothing.
           {"select_adjusted_p", sweep.search.candidates.empty()
                                     ? Json(searched.adjusted_p[chosen])
                                     : Json(nullptr)},
           {"reported", reported.size()},
           {"simultaneous",
            estimate_json(at_least_as_wide(
                together.cells[i],
                results.effect(results.of(reported[i]->cell.row.id), goal)))},
           {"adjusted_p", together.adjusted_p[i]}});
    }
  }
  return list;
}

// What needs no vector: the other model's states, system prompts, the adapter.
Json controls_json(const Sweep& sweep, const SweepResults& results) {
  Json list = Json::array();
  for (const auto& result : results.all()) {
    const auto& row = result.cell.row;
    if (row.family != "ceiling" && row.family != "control") {
      continue;
    }
    for (const auto& goal : goals(sweep.context.manifest().sweep)) {
      if (goal.model != row.model) {
        continue;
      }
      const auto layer = result.cell.layer();
      list.push_back({{"control", row.vector},
                      {"model", row.model},
                      {"goal", goal.name},
                      {"layer", layer < 0 ? Json(nullptr) : Json(layer)},
                      {"scale", row.scale},
                      {"cell", row.id},
                      {"effect", estimate_json(results.effect(result, goal))},
                      {"share", estimate_json(results.share(result, goal))},
                      {"honest", estimate_json(result.summary.honest)},
                      {"deceptive", estimate_json(result.summary.deceptive)},
                      {"coherent", estimate_json(result.summary.coherent)}});
    }
  }
  return list;
}

Json answer_json(const AnswerRow& row) {
  return {{"text", row.text}, {"label", row.label}};
}

// The best induction with the primary contrastive vector decides about vector
// and scale of the examples.
const Best* example_best(const Sweep& sweep) {
  const auto primary = primary_pair(sweep.runner.size().vectors);
  const Best* any = nullptr;
  for (const auto& best : sweep.best) {
    if (best.goal.name != "induction" || best.group != "any") {
      continue;
    }
    if (best.vector == primary.first) {
      return &best;
    }
    any = any == nullptr ? &best : any;
  }
  return any;
}

std::vector<const SweepCell*> example_cells(const Sweep& sweep) {
  std::vector<const SweepCell*> columns;
  const Best* best = example_best(sweep);
  if (best == nullptr) {
    return columns;
  }
  for (const auto layer : sweep.example_layers) {
    for (const auto& cell : sweep.cells) {
      if (cell.row.vector == best->vector && cell.row.split == "test" &&
          cell.row.model == "base" && cell.layer() == layer &&
          cell.row.operation == best->cell.row.operation &&
          cell.row.unit == best->cell.row.unit &&
          cell.row.scale == best->cell.row.scale) {
        columns.push_back(&cell);
        break;
      }
    }
  }
  return columns;
}

Json examples_json(const Sweep& sweep, const SweepResults& results) {
  const auto cells = example_cells(sweep);
  if (cells.empty()) {
    return {{"columns", Json::array()}, {"rows", Json::array()}};
  }
  Json columns = Json::array();
  std::int64_t questions = sweep.context.manifest().report.example_questions;
  for (const auto* cell : cells) {
    columns.push_back(
        {{"cell", cell->row.id},
         {"title", fmt::format("layer {}, {:+g} {}", cell->row.layers,
                               cell->signed_scale(), cell->row.unit)}});
    questions = std::min(questions, cell->num_questions);
  }
  const auto plain =
      static_cast<std::int64_t>(unsteered_cell(sweep.cells, "base", "test"));
  Json rows = Json::array();
  for (std::int64_t q = 0; q < questions; ++q) {
    Json steered = Json::array();
    for (const auto* cell : cells) {
      steered.push_back(answer_json(results.answer(cell->row.id, q)));
    }
    const auto& record =
        sweep.runner.questions("test")[static_cast<std::size_t>(q)];
    rows.push_back({{"question", record.question},
                    {"plain", answer_json(results.answer(plain, q))},
                    {"steered", steered}});
  }
  return {{"model", "base"},
          {"vector", cells.front()->row.vector},
          {"columns", columns},
          {"rows", rows}};
}

// Answers of the unsteered, best, control and example cells on test.
Json answers_json(const Sweep& sweep, const SweepResults& results) {
  std::set<std::int64_t> shown;
  for (const auto& cell : sweep.cells) {
    const bool bare = cell.is_unsteered() || cell.row.family == "control" ||
                      cell.row.family == "ceiling";
    if (bare && cell.row.split == "test") {
      shown.insert(cell.row.id);
    }
  }
  for (const auto& best : sweep.best) {
    shown.insert(best.cell.row.id);
    for (const auto* controls : {&best.random, &best.covariance}) {
      if (!controls->empty()) {
        shown.insert(controls->front().row.id);
      }
    }
  }
  for (const auto* cell : example_cells(sweep)) {
    shown.insert(cell->row.id);
  }
  Json list = Json::array();
  for (const auto id : shown) {
    const auto count = sweep.cells[static_cast<std::size_t>(id)].num_questions;
    for (std::int64_t q = 0; q < count; ++q) {
      const auto& row = results.answer(id, q);
      list.push_back(
          {{"cell", row.cell},
           {"question", row.question},
           {"text", row.text},
           {"label", row.label},
           {"score", std::isnan(row.score) ? Json(nullptr) : Json(row.score)},
           {"note", row.note}});
    }
  }
  return list;
}

Json norms_json(Sweep& sweep) {
  Json list = Json::array();
  for (const auto& model : sweep.context.manifest().sweep.models) {
    const auto& norms = sweep.runner.norms(model);
    list.push_back({{"model", model},
                    {"prompt_end", norms.prompt_end_L},
                    {"generated", norms.generated_L}});
  }
  return list;
}

Json questions_json(const Sweep& sweep) {
  Json list = Json::array();
  for (const auto& record : sweep.runner.questions("test")) {
    list.push_back({{"id", record.id},
                    {"question", record.question},
                    {"honest", record.honest},
                    {"deceptive", record.deceptive}});
  }
  return list;
}

Json judge_json(StudyContext& context) {
  if (context.judge() != nullptr) {
    return {
        {"kind", "exact"}, {"name", context.judge()->name()}, {"score", ""}};
  }
  return {
      {"kind", "logprob"},
      {"name", "log-probability of the reference answers"},
      {"score", "log p(deceptive answer) - log p(honest answer), per token"}};
}

}  // namespace

Json sweep_document(Sweep& sweep, const SweepResults& results) {
  const auto& settings = sweep.context.manifest().sweep;
  const CellDivergences divergences(sweep);
  Json cells = Json::array();
  for (const auto& result : results.all()) {
    cells.push_back(cell_json(result, results.has_labels()));
    const auto* kl = divergences.of(result.cell);
    cells.back()["kl"] = kl == nullptr
                             ? Json(nullptr)
                             : Json{{"mean", kl->mean}, {"p95", kl->p95}};
    cells.back()["wrong_way"] = estimate_json(result.summary.wrong_way);
  }
  const Json ladders = ladders_json(sweep, results);
  return {{"judge", judge_json(sweep.context)},
          {"scope", settings.scope},
          {"temperature", settings.temperature},
          {"norms", norms_json(sweep)},
          {"questions", questions_json(sweep)},
          {"cells", cells},
          {"proof", proof_json(sweep)},
          {"best", all_best_json(sweep, results)},
          {"groups", groups_json(sweep, results)},
          {"controls", controls_json(sweep, results)},
          {"corrections", corrections_json(sweep, results)},
          {"layers", layers_json(sweep, results)},
          {"ladders", ladders},
          {"asymmetry", asymmetry_json(ladders)},
          {"transfer", transfer_json(sweep, results, divergences)},
          {"contrasts", contrasts_json(sweep, results, divergences)},
          {"coherence", coherence_json(sweep, results)},
          {"search", search_json(sweep)},
          {"breaks", breaks_json(results, settings.min_coherent)},
          {"examples", examples_json(sweep, results)},
          {"answers", answers_json(sweep, results)}};
}

}  // namespace veer
