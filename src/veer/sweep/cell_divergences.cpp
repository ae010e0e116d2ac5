// SPDX-License-Identifier: MIT
#include "veer/sweep/cell_divergences.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/sweep/results.h"

namespace veer {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

std::string action_of(const SweepCell& cell) {
  const auto& row = cell.row;
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", row.vector,
                     row.model, row.operation, row.unit, row.scale, row.layers,
                     cell.act.scope, cell.act.site, cell.act.threshold,
                     cell.act.steepness, cell.act.budget, cell.act.norms,
                     cell.second);
}

}  // namespace

CellPrice price_of(std::span<const CellTokens> cells,
                   std::span<const double> norms_L) {
  CellPrice price;
  std::vector<double> nats;
  std::vector<double> moved;
  std::map<std::int64_t, std::pair<double, double>> sums;  // length, tokens
  for (const auto& cell : cells) {
    nats.insert(nats.end(), cell.nats.begin(), cell.nats.end());
    for (const auto& [layer, lengths] : cell.moved) {
      const double norm = static_cast<std::size_t>(layer) < norms_L.size()
                              ? norms_L[static_cast<std::size_t>(layer)]
                              : kUndefined;
      for (const double length : lengths) {
        moved.push_back(length / norm);
        sums[layer].first += length;
        sums[layer].second += 1.0;
      }
    }
  }
  price.nats = summarise_divergence(nats);
  for (const auto& [layer, sum] : sums) {
    price.length_by_layer[layer] = sum.first / sum.second;
  }
  price.moved_mean = price.moved_p95 = kUndefined;
  if (!moved.empty()) {
    const auto summary = summarise_divergence(moved);
    price.moved_mean = summary.mean;
    price.moved_p95 = summary.p95;
  }
  return price;
}

void CellDivergences::extend(SweepRunner& runner, std::int64_t questions,
                             std::span<const SweepCell> cells, bool random) {
  if (questions == 0) {
    return;
  }
  std::map<std::string, std::vector<const SweepCell*>> by_model;
  for (const auto& cell : cells) {
    if (cell.row.split != "select" || !cell.has_intervention() ||
        cell.is_random() != random) {
      continue;
    }
    if (prices_.try_emplace(action_of(cell)).second) {
      by_model[cell.row.model].push_back(&cell);
    }
  }
  for (const auto& [model, own] : by_model) {
    const auto measured = runner.measure(own, model, questions);
    const auto norms_L = price_norms(runner, model);
    for (std::size_t i = 0; i < own.size(); ++i) {
      prices_[action_of(*own[i])] = price_of({&measured[i], 1}, norms_L);
    }
  }
}

const CellPrice* CellDivergences::pooled(SweepRunner& runner,
                                         std::int64_t questions,
                                         std::span<const SweepCell> cells) {
  if (questions == 0 || cells.empty()) {
    return nullptr;
  }
  const auto key = "pooled|" + action_of(cells.front());
  const auto [found, is_new] = prices_.try_emplace(key);
  if (is_new) {
    std::vector<const SweepCell*> list;
    for (const auto& cell : cells) {
      list.push_back(&cell);
    }
    const auto& model = cells.front().row.model;
    found->second = price_of(runner.measure(list, model, questions),
                             price_norms(runner, model));
  }
  return &found->second;
}

const CellPrice* CellDivergences::price(const SweepCell& cell) const {
  const auto found = prices_.find(action_of(cell));
  return found == prices_.end() ? nullptr : &found->second;
}

const DivergenceSummary* CellDivergences::of(const SweepCell& cell) const {
  const auto* own = price(cell);
  return own == nullptr ? nullptr : &own->nats;
}

double p95_of(const CellDivergences& divergences, const SweepCell& cell) {
  const auto* summary = divergences.of(cell);
  return summary == nullptr ? std::numeric_limits<double>::quiet_NaN()
                            : summary->p95;
}

Json divergence_json(const DivergenceSummary* nats) {
  if (nats == nullptr) {
    return nullptr;
  }
  return {{"mean", number_or_null(nats->mean)},
          {"p95", number_or_null(nats->p95)}};
}

bool is_affordable(const CellDivergences& divergences, const SweepCell& cell,
                   double max_kl) {
  const auto* nats = divergences.of(cell);
  return nats == nullptr ||
         (std::isfinite(nats->p95) && (max_kl == 0.0 || nats->p95 <= max_kl));
}

std::span<const double> price_norms(SweepRunner& runner,
                                    const std::string& model) {
  return runner.norms(model).generated_L;
}

}  // namespace veer
