// SPDX-License-Identifier: MIT
#include "veer/sweep/analysis/ladders.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "veer/results/vector_name.h"

namespace veer {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

// a (1 - weight) + b weight.
std::vector<double> mixed(const std::vector<double>& a,
                          const std::vector<double>& b, double weight) {
  std::vector<double> result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    result[i] = (1.0 - weight) * a[i] + weight * b[i];
  }
  return result;
}

LadderPoint between(const LadderPoint& a, const LadderPoint& b, double weight) {
  return {(1.0 - weight) * a.scale + weight * b.scale,
          (1.0 - weight) * a.divergence + weight * b.divergence,
          mixed(a.changes, b.changes, weight),
          (1.0 - weight) * a.coherent + weight * b.coherent};
}

}  // namespace

std::optional<Goal> goal_of(const Ladder& ladder) {
  if (ladder.model == "base" && ladder.operation != "subtract") {
    return Goal{"induction", "base"};
  }
  if (ladder.model == "tuned" && ladder.operation != "add") {
    return Goal{"suppression", "tuned"};
  }
  return std::nullopt;
}

LadderPoint rung_point(const Ladder& ladder, std::int64_t index,
                       const Goal& goal, const SweepResults& results,
                       const CellDivergences& divergences) {
  const auto& first = ladder.rungs.front()->cell;
  if (index < 0) {
    return {0.0, 0.0,
            std::vector<double>(static_cast<std::size_t>(first.num_questions)),
            1.0};
  }
  const auto& rung = *ladder.rungs[static_cast<std::size_t>(index)];
  return {rung.cell.row.scale, p95_of(divergences, rung.cell),
          results.changes(rung.cell, goal), rung.summary.coherent.value};
}

std::vector<Ladder> ladders_of(const SweepResults& results) {
  std::vector<Ladder> ladders;
  for (const auto& result : results.all()) {
    const auto& row = result.cell.row;
    // Controls of chosen cells ("random-1|...") are single points.
    if (row.unit != "rel" || row.split != "test" ||
        parse_vector_name(row.vector).stands_in() ||
        (row.operation != "add" && row.operation != "subtract") ||
        row.scale <= 0.0) {
      continue;
    }
    auto found = std::ranges::find_if(ladders, [&](const Ladder& ladder) {
      return ladder.vector == row.vector && ladder.model == row.model &&
             ladder.layers == row.layers && ladder.operation == row.operation;
    });
    if (found == ladders.end()) {
      ladders.push_back({row.vector, row.model, row.layers, row.operation, {}});
      found = ladders.end() - 1;
    }
    // A chosen cell is asked again, on more questions: the grid's own stays.
    const bool again =
        std::ranges::any_of(found->rungs, [&](const CellResult* rung) {
          return rung->cell.row.scale == row.scale ||
                 rung->cell.num_questions != result.cell.num_questions;
        });
    if (!again) {
      found->rungs.push_back(&result);
    }
  }
  std::erase_if(ladders,
                [](const Ladder& ladder) { return ladder.rungs.size() < 2; });
  for (auto& ladder : ladders) {
    std::ranges::sort(ladder.rungs, {}, [](const CellResult* rung) {
      return rung->cell.row.scale;
    });
  }
  return ladders;
}

LadderPoint at_scale(const Ladder& ladder, double scale, const Goal& goal,
                     const SweepResults& results,
                     const CellDivergences& divergences) {
  const auto point = [&](std::int64_t index) {
    return rung_point(ladder, index, goal, results, divergences);
  };
  for (std::int64_t i = 0; i < std::ssize(ladder.rungs); ++i) {
    const double here =
        ladder.rungs[static_cast<std::size_t>(i)]->cell.row.scale;
    if (here >= scale) {
      const auto below = point(i - 1);
      return between(below, point(i),
                     (scale - below.scale) / (here - below.scale));
    }
  }
  return {};
}

LadderPoint at_divergence(const Ladder& ladder, double divergence,
                          const Goal& goal, const SweepResults& results,
                          const CellDivergences& divergences) {
  for (std::int64_t i = 0; i < std::ssize(ladder.rungs); ++i) {
    const auto here = rung_point(ladder, i, goal, results, divergences);
    if (std::isnan(here.divergence)) {
      return {};
    }
    if (here.divergence >= divergence) {
      const auto below = rung_point(ladder, i - 1, goal, results, divergences);
      return between(below, here,
                     (divergence - below.divergence) /
                         std::max(here.divergence - below.divergence, 1e-12));
    }
  }
  return {};
}

Json ladders_json(const Sweep& sweep, const SweepResults& results) {
  Json list = Json::array();
  for (const auto& ladder : ladders_of(results)) {
    const auto goal = goal_of(ladder);
    std::vector<ScaleRung> rungs;
    for (const auto* rung : ladder.rungs) {
      const auto coherent = results.coherent(rung->cell);
      rungs.push_back({rung->cell.row.scale, coherent,
                       goal
                           ? results.changes(rung->cell, *goal)
                           : std::vector<double>(coherent.size(), kUndefined)});
    }
    const auto b =
        breakdown(rungs, sweep.context.seed(), 400, results.units("test"));
    list.push_back({{"vector", ladder.vector},
                    {"family", vector_family(ladder.vector)},
                    {"model", ladder.model},
                    {"layers", ladder.layers},
                    {"operator", ladder.operation},
                    {"unit", "rel"},
                    {"goal", goal ? Json(goal->name) : Json(nullptr)},
                    {"last_scale", ladder.rungs.back()->cell.row.scale},
                    {"onset", estimate_json(b.onset)},
                    {"s75", estimate_json(b.s75)},
                    {"collapse", estimate_json(b.collapse)},
                    {"censored", b.censored},
                    {"never_coherent", b.never_coherent},
                    {"largest_effect", b.largest_effect},
                    {"scale_of_largest", b.scale_of_largest},
                    {"half_effect", number_or_null(b.half_effect_scale)},
                    {"window", number_or_null(b.window)}});
  }
  return list;
}

Json asymmetry_json(const Json& ladders) {
  Json list = Json::array();
  const auto s75 = [](const Json& ladder) {
    return ladder["s75"]["value"].is_number()
               ? ladder["s75"]["value"].get<double>()
           : ladder["censored"].get<bool>() ? ladder["last_scale"].get<double>()
                                            : kUndefined;
  };
  for (const auto& plus : ladders) {
    for (const auto& minus : ladders) {
      if (plus["operator"] == "add" && minus["operator"] == "subtract" &&
          plus["vector"] == minus["vector"] &&
          plus["model"] == minus["model"] &&
          plus["layers"] == minus["layers"]) {
        // A censored side holds at least to its last scale; with both
        // censored nothing is known.
        const bool unknown =
            plus["censored"].get<bool>() && minus["censored"].get<bool>();
        list.push_back({{"vector", plus["vector"]},
                        {"model", plus["model"]},
                        {"layers", plus["layers"]},
                        {"s75_add", number_or_null(s75(plus))},
                        {"s75_subtract", number_or_null(s75(minus))},
                        {"censored", plus["censored"].get<bool>() ||
                                         minus["censored"].get<bool>()},
                        {"log_ratio", unknown ? Json(nullptr)
                                              : number_or_null(std::log(
                                                    s75(plus) / s75(minus)))}});
      }
    }
  }
  return list;
}

}  // namespace veer
