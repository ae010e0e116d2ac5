// SPDX-License-Identifier: MIT
#include "veer/claims/grid_claims.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"
#include "veer/metrics/intervals.h"
#include "veer/metrics/localisation.h"
#include "veer/metrics/measure_of.h"
#include "veer/metrics/present_mean.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

// The strongest layer has to leave so much for the others to be told from it.
constexpr double kLeastRoom = 0.1;
constexpr std::int64_t kLeastLayers = 8;
constexpr double kLevel = 0.05;

double scale_of(const Json& cell) {
  return cell.at("scale").get<double>();
}

// Mean over cells, question by question; a question that a cell lacks has none.
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

// By layer and scale; empty unless the grid has every layer.
using ByLayer = std::map<std::int64_t, std::map<double, const Json*>>;

ByLayer single_layers(const SweepEvidence& evidence,
                      const std::string& vector) {
  ByLayer layers;
  for (const Json* cell : evidence.grid(vector, "add")) {
    if (member(*cell, "layer").is_number()) {
      layers[cell->at("layer").get<std::int64_t>()][scale_of(*cell)] = cell;
    }
  }
  // A sweep over some layers cannot tell where most of the effect is.
  if (layers.size() < 2 || layers.rbegin()->first + 1 != std::ssize(layers)) {
    return {};
  }
  return layers;
}

// Scales that every layer has and at which the text of every layer holds: a
// layer whose text is broken has no effect that could be compared.
std::vector<double> common_scales(const SweepEvidence& evidence,
                                  const ByLayer& layers) {
  std::vector<double> scales;
  for (const auto& [scale, first] : layers.begin()->second) {
    const bool holds = std::ranges::all_of(layers, [&](const auto& layer) {
      const auto found = layer.second.find(scale);
      return found != layer.second.end() &&
             evidence.is_unbroken(*found->second);
    });
    if (holds) {
      scales.push_back(scale);
    }
  }
  return scales;
}

struct Spread {
  std::string vector;
  std::vector<double> scales;
  Estimate share;  // of layers
  std::int64_t layers = 0;
  std::int64_t strongest = 0;
  Estimate effect;  // of the strongest layer, simultaneous
};

std::optional<Spread> spread_of(const SweepEvidence& evidence,
                                const std::string& vector) {
  const auto layers = single_layers(evidence, vector);
  if (layers.empty()) {
    return std::nullopt;
  }
  Spread spread;
  spread.vector = vector;
  spread.scales = common_scales(evidence, layers);
  if (spread.scales.empty()) {
    return spread;
  }
  std::vector<std::vector<double>> effects;
  std::vector<std::int64_t> units;
  for (const auto& [layer, cells] : layers) {
    std::vector<std::vector<double>> changes;
    for (const double scale : spread.scales) {
      changes.push_back(
          evidence.change(*cells.at(scale), AnswerLabel::kDeceptive));
    }
    effects.push_back(mean_of(changes));
    units = present_units(evidence.units(), effects.back());
    std::erase_if(effects.back(), [](double x) { return std::isnan(x); });
    if (effects.back().size() != effects.front().size() ||
        effects.back().empty()) {
      return std::nullopt;
    }
  }
  spread.layers = std::ssize(effects);
  spread.share =
      localisation_by_question(effects, evidence.seed(), 2000, units);
  const auto together = max_t(effects, evidence.seed(), 2000, 0.95, units);
  const auto best =
      std::ranges::max_element(together.cells, {}, &Estimate::value);
  spread.strongest = best - together.cells.begin();
  spread.effect = *best;
  return spread;
}

std::string text_of(const Spread& spread) {
  if (spread.scales.empty()) {
    return spread.vector + ": no scale leaves the text of every layer unbroken";
  }
  return fmt::format(
      "{}: layer {} most, {} points [{}, {}], mean over {} scale{} up to {:g}",
      spread.vector, spread.strongest,
      signed_rounded(100.0 * spread.effect.value, 0),
      signed_rounded(100.0 * spread.effect.low, 0),
      signed_rounded(100.0 * spread.effect.high, 0), spread.scales.size(),
      spread.scales.size() == 1 ? "" : "s", spread.scales.back());
}

using Pair = std::pair<const Json*, const Json*>;

// Cells that restore the norm, each with its addition: the chosen addition's
// where there is one, on many questions, otherwise those of the grid.
std::vector<Pair> norm_pairs(const SweepEvidence& evidence,
                             const std::string& vector) {
  const auto pairs_of = [&evidence](const std::vector<const Json*>& kept,
                                    const std::vector<const Json*>& added) {
    std::vector<Pair> pairs;
    for (const Json* a : kept) {
      for (const Json* b : added) {
        if (member(*a, "layers") == member(*b, "layers") &&
            member(*a, "unit") == member(*b, "unit") &&
            scale_of(*a) == scale_of(*b) && evidence.is_unbroken(*a) &&
            evidence.is_unbroken(*b)) {
          pairs.emplace_back(a, b);
        }
      }
    }
    return pairs;
  };
  const auto chosen = pairs_of(evidence.confirming(vector, "add_keep_norm"),
                               evidence.confirming(vector, "add"));
  return chosen.empty() ? pairs_of(evidence.grid(vector, "add_keep_norm"),
                                   evidence.grid(vector, "add"))
                        : chosen;
}

}  // namespace

HypothesisResult layer_share_claim(const SweepEvidence& evidence,
                                   const std::string& shown) {
  auto row = claim_row("H14");
  std::vector<Spread> acting;
  std::string text;
  for (const auto& vector : evidence.vectors()) {
    if (auto spread = spread_of(evidence, vector)) {
      text += (text.empty() ? "" : "; ") + text_of(*spread);
      if (spread->share.defined() && spread->effect.above(0.0)) {
        acting.push_back(std::move(*spread));
      }
    }
  }
  if (text.empty()) {
    return row;
  }
  row.reason = text;
  row.effect = Measure::none("no layer has an effect above 0");
  if (acting.empty()) {
    return row;
  }
  const auto own = std::ranges::find(acting, shown, &Spread::vector);
  const Spread& best = own == acting.end() ? acting.front() : *own;
  row.effect = measure_of(best.share);
  row.p = p_beyond(row.effect, row.margin());
  double most = 0.0;
  for (const auto& spread : acting) {
    most = std::max(most, 1.0 - spread.effect.value);
  }
  row.room = most;
  const auto all = [&](auto&& holds) {
    return std::ranges::all_of(acting, holds);
  };
  if (!all([](const Spread& s) { return s.layers >= kLeastLayers; })) {
    row.reason = fmt::format(
        "a quarter of fewer than {} layers is one layer, which is the least "
        "share that there can be; {}",
        kLeastLayers, text);
    return row;
  }
  const bool few =
      all([&](const Spread& s) { return s.share.high <= row.margin(); });
  const bool many =
      all([&](const Spread& s) { return s.share.above(row.margin()); });
  if (!few && !many) {
    return row;
  }
  if (many && most < kLeastRoom) {
    row.reason = fmt::format(
        "no room: the strongest layer leaves {} points, below which layers "
        "cannot be told apart; {}",
        rounded(100.0 * most, 0), text);
  } else if (!all([](const Spread& s) { return s.share.low < s.share.high; })) {
    // The share goes in steps of one layer: that no draw of questions moves it
    // says how coarse it is, not how sure.
    row.p = 1.0;
    row.reason = fmt::format(
        "the interval has no width, because no draw of questions moves the "
        "share by a whole layer; {}",
        text);
  } else {
    row.decision = few ? Decision::kSupported : Decision::kContradicted;
  }
  return row;
}

HypothesisResult norm_claim(const SweepEvidence& evidence) {
  auto row = claim_row("H18");
  struct Own {
    std::string vector;
    Measure difference;
    double room = 0.0;
  };
  std::vector<Own> all;
  for (const auto& vector : evidence.vectors()) {
    std::vector<std::vector<double>> kept;
    std::vector<std::vector<double>> added;
    for (const auto& [a, b] : norm_pairs(evidence, vector)) {
      kept.push_back(evidence.labelled(*a, AnswerLabel::kDeceptive));
      added.push_back(evidence.labelled(*b, AnswerLabel::kDeceptive));
    }
    if (kept.empty()) {
      continue;
    }
    const auto a = mean_of(kept);
    const auto b = mean_of(added);
    std::int64_t answers = 0;
    for (std::size_t q = 0; q < a.size(); ++q) {
      answers += std::isnan(a[q] + b[q]) ? 0 : std::ssize(kept);
    }
    const double low = std::min(present_mean(a), present_mean(b));
    const double high = std::max(present_mean(a), present_mean(b));
    const auto difference = measure_of(
        share_difference(a, answers, b, answers, 0.95, evidence.units()));
    if (difference.low && difference.high) {
      all.push_back({vector, difference, std::min(1.0 - low, high)});
    }
  }
  if (all.empty()) {
    return row;
  }
  // Intervals that hold for all vectors together (Bonferroni, normal).
  const double wider =
      normal_quantile(1.0 - kLevel / (2.0 * static_cast<double>(all.size()))) /
      normal_quantile(1.0 - kLevel / 2.0);
  bool all_small = true;
  bool any_room = false;
  const Own* best = nullptr;
  for (auto& own : all) {
    auto& m = own.difference;
    m.low = *m.value - wider * (*m.value - *m.low);
    m.high = *m.value + wider * (*m.high - *m.value);
    const bool room = own.room >= row.margin();
    any_room = any_room || room;
    all_small = all_small &&
                (!room || (*m.low > -row.margin() && *m.high < row.margin()));
    if (best == nullptr ||
        std::abs(*m.value) > std::abs(*best->difference.value)) {
      best = &own;
    }
    row.decision =
        *m.low > 0.0 || *m.high < 0.0 ? Decision::kSupported : row.decision;
  }
  row.effect = best->difference;
  row.room = best->room;
  row.p = p_beyond(row.effect, 0.0);
  row.reason = fmt::format(
      "largest of {} vectors: {}, {} points; the side whose norm is restored "
      "has no random vectors and no price of its own, and neither side has to "
      "work: this is about the edit and not about the direction",
      all.size(), best->vector,
      signed_rounded(100.0 * *best->difference.value, 0));
  if (row.decision != Decision::kSupported && !any_room) {
    leave_undecided_without_room(row);
  } else if (row.decision != Decision::kSupported && all_small) {
    row.decision = Decision::kContradicted;
    row.p = p_beyond(row.effect,
                     *row.effect.value > 0.0 ? row.margin() : -row.margin());
  }
  return row;
}

}  // namespace veer
