// SPDX-License-Identifier: MIT
#include "veer/sweep/analysis/transfer.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "veer/metrics/intervals.h"
#include "veer/results/vector_name.h"
#include "veer/sweep/analysis/ladders.h"

namespace veer {
namespace {

constexpr std::int64_t kDraws = 2000;

Json point_json(const LadderPoint& point, const Ladder& ladder,
                const Goal& goal, const char* at, std::uint64_t seed,
                std::span<const std::int64_t> units) {
  Json entry = {{"vector", ladder.vector},
                {"family", vector_family(ladder.vector)},
                {"operator", ladder.operation},
                {"model", ladder.model},
                {"goal", goal.name},
                {"layers", ladder.layers},
                {"at", at}};
  if (point.changes.empty()) {
    entry["scale"] = nullptr;
    entry["divergence"] = nullptr;
    entry["coherent"] = nullptr;
    entry["effect"] = estimate_json({});
    return entry;
  }
  entry["scale"] = point.scale;
  entry["divergence"] = number_or_null(point.divergence);
  entry["coherent"] = number_or_null(point.coherent);
  entry["effect"] =
      estimate_json(bootstrap_mean(point.changes, seed, kDraws, 0.95, units));
  return entry;
}

}  // namespace

Json transfer_json(const Sweep& sweep, const SweepResults& results,
                   const CellDivergences& divergences) {
  const auto& settings = sweep.context.manifest().sweep;
  const auto seed = sweep.context.seed();
  Json entries = Json::array();
  for (const auto& ladder : ladders_of(results)) {
    const auto goal = goal_of(ladder);
    if (!goal) {
      continue;
    }
    entries.push_back(point_json(
        at_scale(ladder, settings.equal_scale, *goal, results, divergences),
        ladder, *goal, "displacement", seed, results.units("test")));
    if (vector_family(ladder.vector) != "random") {
      entries.push_back(point_json(
          at_divergence(ladder, settings.equal_kl, *goal, results, divergences),
          ladder, *goal, "divergence", seed, results.units("test")));
    }
  }
  // Operators without a displacement stand with the one strength they have.
  for (const auto& result : results.all()) {
    const auto& row = result.cell.row;
    if (row.split != "test" || row.unit != "share" || row.scale != 1.0 ||
        result.cell.confirms >= 0 || !result.cell.has_intervention() ||
        row.vector == kPatchVector) {
      continue;
    }
    Ladder ladder{row.vector, row.model, row.layers, row.operation, {&result}};
    const auto goal = goal_of(ladder);
    entries.push_back(
        point_json(rung_point(ladder, 0, *goal, results, divergences), ladder,
                   *goal, "as it is", seed, results.units("test")));
  }
  return {{"displacement", settings.equal_scale},
          {"divergence", settings.equal_kl},
          {"entries", entries}};
}

Json layers_json(const Sweep& sweep, const SweepResults& results) {
  const auto ladders = ladders_of(results);
  Json list = Json::array();
  const double scale = sweep.context.manifest().sweep.equal_scale;
  for (const auto& vector : sweep.runner.size().vectors) {
    for (const auto& goal : goals(sweep.context.manifest().sweep)) {
      std::vector<std::vector<double>> effects;
      std::vector<std::int64_t> layers;
      for (const auto& ladder : ladders) {
        const auto own = goal_of(ladder);
        const auto layer = ladder.rungs.front()->cell.layer();
        if (ladder.vector != vector || !own || own->name != goal.name ||
            layer < 0) {
          continue;
        }
        for (const auto* rung : ladder.rungs) {
          if (rung->cell.row.scale == scale) {
            effects.push_back(results.changes(rung->cell, goal));
            layers.push_back(layer);
          }
        }
      }
      if (effects.empty()) {
        continue;
      }
      const auto together = max_t(effects, sweep.context.seed(), kDraws, 0.95,
                                  results.units("test"));
      Json by_layer = Json::array();
      for (std::size_t i = 0; i < layers.size(); ++i) {
        by_layer.push_back({{"layer", layers[i]},
                            {"effect", estimate_json(together.cells[i])},
                            {"adjusted_p", together.adjusted_p[i]}});
      }
      list.push_back({{"vector", vector},
                      {"goal", goal.name},
                      {"scale", scale},
                      {"unit", "rel"},
                      {"by_layer", by_layer}});
    }
  }
  return list;
}

}  // namespace veer
