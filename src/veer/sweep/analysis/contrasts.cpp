// SPDX-License-Identifier: MIT
#include "veer/sweep/analysis/contrasts.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/interventions/operators.h"
#include "veer/metrics/intervals.h"
#include "veer/metrics/present_mean.h"
#include "veer/results/vector_name.h"
#include "veer/sweep/analysis/ladders.h"

namespace veer {
namespace {

constexpr std::int64_t kDraws = 2000;
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

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
        add_groups("H15L", vector, goal, linear, "learned");
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
    double most = kUnknown;  // what a and b could be at most
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
                     {"mean_a", number_or_null(present_mean(sides.a))},
                     {"mean_b", number_or_null(present_mean(sides.b))},
                     {"most", number_or_null(sides.most)},
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
                             sweep_.context.seed(), kDraws, 0.95,
                             results_.units("test"));
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
      const auto together = max_t(effects, sweep_.context.seed(), kDraws, 0.95,
                                  results_.units("test"));
      for (std::size_t j = 0; j < members.size(); ++j) {
        auto& entry = list_[members[j]];
        auto wide = at_least_as_wide(together.cells[j], estimates_[members[j]]);
        // No share changes by more than 1; of the gap more can be closed.
        if (results_.has_labels() && entry["claim"] != "H7") {
          wide.low = std::max(wide.low, -1.0);
          wide.high = std::min(wide.high, 1.0);
        }
        entry["simultaneous"] = estimate_json(wide);
        entry["adjusted_p"] = together.adjusted_p[j];
      }
    }
  }

  static std::string name_of(const Best& best) {
    const auto& row = best.cell.row;
    return fmt::format("{} {} {:g} {}, layers {}", row.vector, row.operation,
                       row.scale, row.unit, row.layers);
  }

  // `tried_b`: of how many configurations `b` is the best.
  void add_best_pair(const char* claim, const std::string& what,
                     const Goal& goal, const Best& a, const Best& b,
                     std::int64_t tried_b) {
    const Sides sides{a.vector == b.vector ? a.vector : "",
                      results_.outcomes(a.cell, goal),
                      results_.outcomes(b.cell, goal),
                      results_.has_labels() ? 1.0 : kUnknown};
    const auto n = std::ssize(sides.a);
    // Shares keep an interval of honest width also where all agree.
    const auto own = results_.has_labels() && sides.a.size() == sides.b.size()
                         ? share_difference(sides.a, n, sides.b, n, 0.95,
                                            results_.units("test"))
                         : difference(sides.a, sides.b);
    add(claim, what, goal, name_of(a), name_of(b), "best of select", own, sides,
        p95_of(divergences_, a.select_cell),
        p95_of(divergences_, b.select_cell));
    list_.back()["cell_a"] = a.cell.row.id;
    list_.back()["cell_b"] = b.cell.row.id;
    list_.back()["candidates_a"] = a.num_candidates;
    list_.back()["candidates_b"] = tried_b;
  }

  void add_groups(const char* claim, const std::string& vector,
                  const Goal& goal, const Best* linear, const char* group) {
    const auto* other = find_best(sweep_, vector, goal.name, group);
    if (linear != nullptr && other != nullptr) {
      add_best_pair(claim, fmt::format("{}: {} minus linear", vector, group),
                    goal, *other, *linear, linear->num_candidates);
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
    // Divergence is measured on few questions: what holds only where both sides
    // have exactly the same decides nothing.
    const double nats = sweep_.context.manifest().sweep.equal_kl;
    const struct {
      const char* at;
      double all, one;
    } prices[] = {{"equal divergence", nats, nats},
                  {"half the divergence", 0.5 * nats, nats},
                  {"twice the divergence", nats, 0.5 * nats}};
    for (const auto& price : prices) {
      add_points("H19", vector + ": all layers minus one", goal, *all, *one,
                 price.at, priced(*all, price.all, goal),
                 priced(*one, price.one, goal));
    }
  }

  // The single layer with the largest effect on select, at any scale.
  const Ladder* best_single(const std::string& vector, const Goal& goal) const {
    const auto* chosen = results_.chosen(
        goal,
        [&](const SweepCell& cell) {
          return cell.row.vector == vector && cell.layer() >= 0 &&
                 cell.row.unit == "rel" &&
                 operator_group(cell.row.operation) == "linear";
        },
        divergences_);
    return chosen == nullptr
               ? nullptr
               : find_ladder(ladders_, vector, goal, chosen->cell.row.layers);
  }

  LadderPoint priced(const Ladder& ladder, double nats,
                     const Goal& goal) const {
    return at_divergence(ladder, nats, goal, results_, divergences_);
  }

  void add_points(const char* claim, const std::string& what, const Goal& goal,
                  const Ladder& a, const Ladder& b, const char* at,
                  const LadderPoint& pa, const LadderPoint& pb) {
    if (!pa.changes.empty() && !pb.changes.empty()) {
      add(claim, what, goal, fmt::format("{}, layers {}", a.vector, a.layers),
          fmt::format("{}, layers {}", b.vector, b.layers), at,
          difference(pa.changes, pb.changes),
          {a.vector == b.vector ? a.vector : "", pa.changes, pb.changes,
           most_change(goal)},
          pa.divergence, pb.divergence);
    }
  }

  void add_blend(const Goal& goal,
                 const std::pair<std::string, std::string>& pair) {
    const auto* blend = find_best(sweep_, "", goal.name, "blend");
    const Best* single = nullptr;
    std::int64_t tried = 0;  // of both vectors: the better of the two is taken
    for (const auto& name : {pair.first, pair.second}) {
      const auto* own =
          name.empty() ? nullptr : find_best(sweep_, name, goal.name, "linear");
      if (own == nullptr) {
        continue;
      }
      tried += own->num_candidates;
      if (single == nullptr || own->select_value > single->select_value) {
        single = own;
      }
    }
    if (blend != nullptr && single != nullptr) {
      add_best_pair("H16", "blend minus the better single vector", goal, *blend,
                    *single, tried);
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
    const std::string what = "contrastive minus fine-tuned vector";
    const auto& settings = sweep_.context.manifest().sweep;
    const auto scaled = [&](const Ladder& ladder) {
      return at_scale(ladder, settings.equal_scale, goal, results_,
                      divergences_);
    };
    add_points("H2", what, goal, *a, *b, "equal displacement", scaled(*a),
               scaled(*b));
    add_points("H2", what, goal, *a, *b, "equal divergence",
               priced(*a, settings.equal_kl, goal),
               priced(*b, settings.equal_kl, goal));
  }

  // Share of the gap between the two models that suppression closes minus the
  // share that induction closes, for the same vector.
  void add_ease(const std::vector<std::string>& vectors) {
    for (const auto& vector : vectors) {
      const auto* plus = find_best(sweep_, vector, "induction", "linear");
      const auto* minus = find_best(sweep_, vector, "suppression", "linear");
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
          difference(down, up), {vector, down, up, 1.0},
          p95_of(divergences_, minus->select_cell),
          p95_of(divergences_, plus->select_cell));
    }
  }

  // What a share can still gain on the goal's model; unknown of a score.
  double most_change(const Goal& goal) const {
    const auto plain = unsteered_cell(sweep_.cells, goal.model, "test");
    return results_.has_labels()
               ? 1.0 - results_.share(results_.all()[plain], goal).value
               : kUnknown;
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

Json contrasts_json(const Sweep& sweep, const SweepResults& results,
                    const CellDivergences& divergences) {
  return Contrasts(sweep, results, divergences).run();
}

}  // namespace veer
