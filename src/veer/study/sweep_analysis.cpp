// SPDX-License-Identifier: MIT
#include "veer/study/sweep_analysis.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/metrics/intervals.h"
#include "veer/study/vector_names.h"

namespace veer {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kDraws = 2000;

std::string action_of(const SweepCell& cell) {
  const auto& row = cell.row;
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", row.vector, row.model,
                     row.operation, row.unit, row.scale, row.layers,
                     cell.act.scope, cell.act.site, cell.act.threshold,
                     cell.act.steepness);
}

Json number_or_null(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

// The goal that an operator's sign can serve on a model.
std::optional<Goal> goal_of(const Ladder& ladder) {
  if (ladder.model == "base" && ladder.operation != "subtract") {
    return Goal{"induction", "base"};
  }
  if (ladder.model == "tuned" && ladder.operation != "add") {
    return Goal{"suppression", "tuned"};
  }
  return std::nullopt;
}

// a (1 - weight) + b weight.
std::vector<double> mixed(const std::vector<double>& a,
                          const std::vector<double>& b, double weight) {
  std::vector<double> result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    result[i] = (1.0 - weight) * a[i] + weight * b[i];
  }
  return result;
}

double p95_of(const CellDivergences& divergences, const SweepCell& cell) {
  const auto* summary = divergences.of(cell);
  return summary == nullptr ? kUndefined : summary->p95;
}

// A rung as a point, or the unsteered model (scale 0) for index -1.
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

LadderPoint between(const LadderPoint& a, const LadderPoint& b, double weight) {
  return {(1.0 - weight) * a.scale + weight * b.scale,
          (1.0 - weight) * a.divergence + weight * b.divergence,
          mixed(a.changes, b.changes, weight),
          (1.0 - weight) * a.coherent + weight * b.coherent};
}

Json point_json(const LadderPoint& point, const Ladder& ladder,
                const Goal& goal, const char* at, std::uint64_t seed) {
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
  entry["effect"] = estimate_json(bootstrap_mean(point.changes, seed, kDraws));
  return entry;
}

const Best* find_best(const Sweep& sweep, const std::string& vector,
                      const std::string& goal, const std::string& group) {
  for (const auto& best : sweep.best) {
    if ((vector.empty() || best.vector == vector) && best.goal.name == goal &&
        best.group == group) {
      return &best;
    }
  }
  return nullptr;
}

const Ladder* find_ladder(std::span<const Ladder> ladders,
                          const std::string& vector, const Goal& goal,
                          const std::string& layers) {
  for (const auto& ladder : ladders) {
    const auto own = goal_of(ladder);
    if (ladder.vector == vector && ladder.layers == layers && own &&
        own->name == goal.name) {
      return &ladder;
    }
  }
  return nullptr;
}

class Contrasts {
 public:
  Contrasts(const Sweep& sweep, const SweepResults& results,
            const CellDivergences& divergences)
      : sweep_(sweep),
        results_(results),
        divergences_(divergences),
        ladders_(ladders_of(results)) {}

  Json run() {
    const auto& vectors = sweep_.runner.size().vectors;
    const auto pair = primary_pair(vectors);
    for (const auto& goal : goals(sweep_.context.manifest().sweep)) {
      for (const auto& vector : vectors) {
        const auto* linear = find_best(sweep_, vector, goal.name, "linear");
        add_groups("H15", vector, goal, linear, "nonlinear");
        add_groups("H17", vector, goal, linear, "projection");
        add_layer_modes(vector, goal);
      }
      add_blend(goal, pair);
      add_pair(goal, pair);
    }
    add_ease(vectors);
    add_simultaneous();
    return std::move(list_);
  }

 private:
  struct Sides {
    std::string vector;  // whose, empty for a pair
    std::vector<double> a, b;
  };

  void add(const char* claim, const std::string& what, const Goal& goal,
           const std::string& a, const std::string& b, const char* at,
           const Estimate& difference, const Sides& sides, double a_divergence,
           double b_divergence) {
    std::vector<double> own(std::min(sides.a.size(), sides.b.size()));
    for (std::size_t i = 0; i < own.size(); ++i) {
      own[i] = sides.a[i] - sides.b[i];
    }
    differences_.push_back(std::move(own));
    estimates_.push_back(difference);
    list_.push_back({{"claim", claim},
                     {"vector", sides.vector},
                     {"what", what},
                     {"goal", goal.name},
                     {"model", goal.model},
                     {"a", a},
                     {"b", b},
                     {"at", at},
                     {"difference", estimate_json(difference)},
                     {"divergence_a", number_or_null(a_divergence)},
                     {"divergence_b", number_or_null(b_divergence)}});
  }

  Estimate difference(const std::vector<double>& a,
                      const std::vector<double>& b) const {
    const auto n = std::min(a.size(), b.size());
    if (n == 0) {
      return {};
    }
    return paired_difference({a.data(), n}, {b.data(), n},
                             sweep_.context.seed(), kDraws);
  }

  // Intervals that hold for all differences of one claim together (max-t), at
  // least as wide as each one's own.
  void add_simultaneous() {
    std::map<std::string, std::vector<std::size_t>> by_claim;
    for (std::size_t i = 0; i < differences_.size(); ++i) {
      by_claim[list_[i]["claim"].get<std::string>() +
               list_[i]["at"].get<std::string>() +
               std::to_string(differences_[i].size())]
          .push_back(i);
    }
    for (const auto& [claim, members] : by_claim) {
      std::vector<std::vector<double>> effects;
      for (const auto i : members) {
        effects.push_back(differences_[i]);
      }
      if (effects.front().empty()) {
        continue;
      }
      const auto together = max_t(effects, sweep_.context.seed(), kDraws);
      for (std::size_t j = 0; j < members.size(); ++j) {
        auto& entry = list_[members[j]];
        entry["simultaneous"] = estimate_json(
            at_least_as_wide(together.cells[j], estimates_[members[j]]));
        entry["adjusted_p"] = together.adjusted_p[j];
      }
    }
  }

  static std::string name_of(const Best& best) {
    const auto& row = best.cell.row;
    return fmt::format("{} {} {:g} {}, layers {}", row.vector, row.operation,
                       row.scale, row.unit, row.layers);
  }

  void add_best_pair(const char* claim, const std::string& what,
                     const Goal& goal, const Best& a, const Best& b) {
    const Sides sides{a.vector == b.vector ? a.vector : "",
                      results_.outcomes(a.cell, goal),
                      results_.outcomes(b.cell, goal)};
    const auto n = std::ssize(sides.a);
    // Shares keep an interval of honest width also where all agree.
    const auto own = results_.has_labels() && sides.a.size() == sides.b.size()
                         ? share_difference(sides.a, n, sides.b, n)
                         : difference(sides.a, sides.b);
    add(claim, what, goal, name_of(a), name_of(b), "best of select", own, sides,
        p95_of(divergences_, a.select_cell),
        p95_of(divergences_, b.select_cell));
  }

  void add_groups(const char* claim, const std::string& vector,
                  const Goal& goal, const Best* linear, const char* group) {
    const auto* other = find_best(sweep_, vector, goal.name, group);
    if (linear != nullptr && other != nullptr) {
      add_best_pair(claim, fmt::format("{}: {} minus linear", vector, group),
                    goal, *other, *linear);
    }
  }

  // All layers at once against the chosen single layer, both at the same
  // divergence.
  void add_layer_modes(const std::string& vector, const Goal& goal) {
    const auto* all = find_ladder(ladders_, vector, goal, "all");
    const auto* one = best_single(vector, goal);
    if (all == nullptr || one == nullptr) {
      return;
    }
    add_ladders("H19", vector + ": all layers minus one", goal, *all, *one,
                /*by_divergence=*/true);
  }

  // The single layer with the largest effect on select, at any scale.
  const Ladder* best_single(const std::string& vector, const Goal& goal) const {
    const auto* chosen = results_.chosen(goal, [&](const SweepCell& cell) {
      return cell.row.vector == vector && cell.layer() >= 0 &&
             cell.row.unit == "rel" &&
             operator_class(cell.row.operation) == "linear";
    });
    return chosen == nullptr
               ? nullptr
               : find_ladder(ladders_, vector, goal, chosen->cell.row.layers);
  }

  void add_ladders(const char* claim, const std::string& what, const Goal& goal,
                   const Ladder& a, const Ladder& b, bool by_divergence) {
    const auto& settings = sweep_.context.manifest().sweep;
    const auto point = [&](const Ladder& ladder) {
      return by_divergence ? at_divergence(ladder, settings.equal_kl, goal,
                                           results_, divergences_)
                           : at_scale(ladder, settings.equal_scale, goal,
                                      results_, divergences_);
    };
    const auto pa = point(a);
    const auto pb = point(b);
    if (!pa.changes.empty() && !pb.changes.empty()) {
      add(claim, what, goal, fmt::format("{}, layers {}", a.vector, a.layers),
          fmt::format("{}, layers {}", b.vector, b.layers),
          by_divergence ? "equal divergence" : "equal displacement",
          difference(pa.changes, pb.changes),
          {a.vector == b.vector ? a.vector : "", pa.changes, pb.changes},
          pa.divergence, pb.divergence);
    }
  }

  void add_blend(const Goal& goal,
                 const std::pair<std::string, std::string>& pair) {
    const auto* blend = find_best(sweep_, "", goal.name, "blend");
    const Best* single = nullptr;
    for (const auto& name : {pair.first, pair.second}) {
      const auto* own =
          name.empty() ? nullptr : find_best(sweep_, name, goal.name, "linear");
      if (own != nullptr &&
          (single == nullptr || own->select_value > single->select_value)) {
        single = own;
      }
    }
    if (blend != nullptr && single != nullptr) {
      add_best_pair("H16", "blend minus the better single vector", goal, *blend,
                    *single);
    }
  }

  // The two study vectors against each other, each at its chosen layer.
  void add_pair(const Goal& goal,
                const std::pair<std::string, std::string>& pair) {
    if (pair.first.empty()) {
      return;
    }
    const auto* a = best_single(pair.first, goal);
    const auto* b = best_single(pair.second, goal);
    if (a == nullptr || b == nullptr) {
      return;
    }
    for (const bool by_divergence : {false, true}) {
      add_ladders("H2", "contrastive minus fine-tuned vector", goal, *a, *b,
                  by_divergence);
    }
  }

  // Share of the gap between the two models that suppression closes minus the
  // share that induction closes, for the same vector.
  void add_ease(const std::vector<std::string>& vectors) {
    for (const auto& vector : vectors) {
      const auto* plus = find_best(sweep_, vector, "induction", "any");
      const auto* minus = find_best(sweep_, vector, "suppression", "any");
      if (plus == nullptr || minus == nullptr) {
        continue;
      }
      const auto up = closed(*plus);
      const auto down = closed(*minus);
      if (up.empty() || down.empty()) {
        continue;
      }
      add("H7", vector + ": gap closed by suppression minus by induction",
          minus->goal, name_of(*minus), name_of(*plus), "best of select",
          difference(down, up), {vector, down, up},
          p95_of(divergences_, minus->select_cell),
          p95_of(divergences_, plus->select_cell));
    }
  }

  // Changes over the gap between the unsteered models; empty under 10 points.
  std::vector<double> closed(const Best& best) const {
    const auto own = unsteered_cell(sweep_.cells, best.goal.model, "test");
    const auto other = unsteered_cell(
        sweep_.cells, best.goal.model == "base" ? "tuned" : "base", "test");
    const auto share = [&](std::size_t cell) {
      return results_.share(results_.all()[cell], best.goal).value;
    };
    const double gap = std::abs(share(other) - share(own));
    std::vector<double> values;
    if (gap >= 0.1) {
      for (const double change : results_.changes(best.cell, best.goal)) {
        values.push_back(change / gap);
      }
    }
    return values;
  }

  const Sweep& sweep_;
  const SweepResults& results_;
  const CellDivergences& divergences_;
  std::vector<Ladder> ladders_;
  Json list_ = Json::array();
  std::vector<std::vector<double>> differences_;  // one per entry, by question
  std::vector<Estimate> estimates_;
};

}  // namespace

Estimate at_least_as_wide(Estimate estimate, const Estimate& own) {
  if (own.defined() && estimate.defined()) {
    estimate.low = std::min(estimate.low, own.low);
    estimate.high = std::max(estimate.high, own.high);
  }
  return estimate;
}

CellDivergences::CellDivergences(Sweep& sweep) {
  const auto questions = sweep.context.manifest().sweep.kl_questions;
  if (questions == 0) {
    return;
  }
  for (const auto& goal : goals(sweep.context.manifest().sweep)) {
    std::vector<const SweepCell*> cells;
    for (const auto& cell : sweep.cells) {
      if (cell.row.split == "select" && cell.row.model == goal.model &&
          cell.has_intervention() && !cell.is_random()) {
        cells.push_back(&cell);
      }
    }
    const auto measured =
        sweep.runner.divergences(cells, goal.model, questions);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      summaries_[action_of(*cells[i])] = measured[i];
    }
  }
}

const DivergenceSummary* CellDivergences::of(const SweepCell& cell) const {
  const auto found = summaries_.find(action_of(cell));
  return found == summaries_.end() ? nullptr : &found->second;
}

std::vector<Ladder> ladders_of(const SweepResults& results) {
  std::vector<Ladder> ladders;
  for (const auto& result : results.all()) {
    const auto& row = result.cell.row;
    // Controls of chosen cells ("random-1|...") are single points.
    if (row.unit != "rel" || row.split != "test" ||
        row.vector.find('|') != std::string::npos ||
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
    const auto b = breakdown(rungs, sweep.context.seed(), 400);
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
        ladder, *goal, "displacement", seed));
    if (vector_family(ladder.vector) != "random") {
      entries.push_back(point_json(
          at_divergence(ladder, settings.equal_kl, *goal, results, divergences),
          ladder, *goal, "divergence", seed));
    }
  }
  // Operators without a displacement stand with the one strength they have.
  for (const auto& result : results.all()) {
    const auto& row = result.cell.row;
    const bool again = std::ranges::any_of(sweep.best, [&](const Best& best) {
      return best.cell.row.id == row.id;
    });
    if (row.split != "test" || row.unit != "share" || row.scale != 1.0 ||
        again || !result.cell.has_intervention() ||
        row.vector == kPatchVector ||
        row.vector.find('|') != std::string::npos) {
      continue;
    }
    Ladder ladder{row.vector, row.model, row.layers, row.operation, {&result}};
    const auto goal = goal_of(ladder);
    entries.push_back(
        point_json(rung_point(ladder, 0, *goal, results, divergences), ladder,
                   *goal, "as it is", seed));
  }
  return {{"displacement", settings.equal_scale},
          {"divergence", settings.equal_kl},
          {"entries", entries}};
}

Json contrasts_json(const Sweep& sweep, const SweepResults& results,
                    const CellDivergences& divergences) {
  return Contrasts(sweep, results, divergences).run();
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
      const auto together = max_t(effects, sweep.context.seed(), kDraws);
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
