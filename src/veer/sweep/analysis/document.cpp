// SPDX-License-Identifier: MIT
#include "veer/sweep/analysis/document.h"

#include <algorithm>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "veer/sweep/analysis/baselines.h"
#include "veer/sweep/analysis/best.h"
#include "veer/sweep/analysis/coherence.h"
#include "veer/sweep/analysis/contrasts.h"
#include "veer/sweep/analysis/examples.h"
#include "veer/sweep/analysis/ladders.h"
#include "veer/sweep/analysis/search.h"
#include "veer/sweep/analysis/side_measures.h"
#include "veer/sweep/analysis/transfer.h"
#include "veer/sweep/lean_cells.h"

namespace veer {
namespace {

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

// The other model's states, copied layer by layer.
Json controls_json(const Sweep& sweep, const SweepResults& results) {
  Json list = Json::array();
  for (const auto& result : results.all()) {
    const auto& row = result.cell.row;
    if (row.family != "ceiling") {
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
  if (context.judge() == nullptr) {
    return {
        {"kind", "logprob"},
        {"name", "log-probability of the reference answers"},
        {"score", "log p(deceptive answer) - log p(honest answer), per token"}};
  }
  const bool is_exact = context.exact_judge() != nullptr;
  Json judge = {{"kind", is_exact ? "exact" : context.manifest().judge.kind},
                {"name", context.judge()->name()},
                {"score", ""}};
  if (!is_exact) {
    judge.update(judge_check_json(context.judge_check()));
  }
  return judge;
}

}  // namespace

Json sweep_document(Sweep& sweep, const SweepResults& results) {
  const auto& settings = sweep.context.manifest().sweep;
  const auto& divergences = sweep.divergences;
  Json cells = Json::array();
  for (const auto& result : results.all()) {
    cells.push_back(cell_json(result, results.has_labels()));
    cells.back()["kl"] = divergence_json(divergences.of(result.cell));
    cells.back()["wrong_way"] = estimate_json(result.summary.wrong_way);
  }
  const Json methods = make_lean(cells);
  const Json ladders = ladders_json(sweep, results);
  const SideMeasures measures(sweep, results);
  return {{"judge", judge_json(sweep.context)},
          {"scope", settings.scope},
          {"temperature", settings.temperature},
          {"not_finite", results.not_finite()},
          {"norms", norms_json(sweep)},
          {"questions", questions_json(sweep)},
          {"units", units_json(results)},
          {"cells", cells},
          {"methods", methods},
          {"proof", proof_json(sweep)},
          {"best", best_json(sweep, results, measures)},
          {"groups", groups_json(sweep, results, measures)},
          {"baselines", baselines_json(sweep, results, measures)},
          {"controls", controls_json(sweep, results)},
          {"corrections", corrections_json(sweep, results)},
          {"layers", layers_json(sweep, results)},
          {"ladders", ladders},
          {"asymmetry", asymmetry_json(ladders)},
          {"transfer", transfer_json(sweep, results, divergences)},
          {"contrasts", contrasts_json(sweep, results, divergences)},
          {"coherence", coherence_json(sweep, results)},
          {"search", search_json(sweep)},
          {"min_coherent", settings.min_coherent},
          {"breaks", breaks_json(results, settings.min_coherent)},
          {"examples", examples_json(sweep, results)},
          {"answers", answers_json(sweep, results)}};
}

}  // namespace veer
