// SPDX-License-Identifier: MIT
#include "veer/metrics/cell_hypotheses.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "veer/base/number_text.h"

namespace veer {
namespace {

constexpr double kLocalised = 0.25;

HypothesisResult row(std::string id, std::string claim, std::string statistic,
                     std::string sharpen) {
  HypothesisResult result;
  result.id = std::move(id);
  result.claim = std::move(claim);
  result.statistic = std::move(statistic);
  result.unit = "share";
  result.sharpen = std::move(sharpen);
  result.reason = "not measured";
  result.effect = Measure::none("not measured");
  return result;
}

std::string points(const Estimate& e) {
  return fmt::format("{} points [{}, {}]", signed_rounded(100.0 * e.value, 0),
                     signed_rounded(100.0 * e.low, 0),
                     signed_rounded(100.0 * e.high, 0));
}

HypothesisResult layers_differ(std::span<const Estimate> layers) {
  auto result =
      row("H14", "Some layers encode it most",
          "effect per layer at equal relative scale, max-t", "sweep.questions");
  const double share = localisation(layers);
  if (std::isnan(share)) {
    if (!layers.empty()) {
      result.reason = "no layer has a positive effect";
      result.effect = Measure::none(result.reason);
    }
    return result;
  }
  const auto best = std::ranges::max_element(layers, {}, [](const Estimate& e) {
    return e.defined() ? e.value : -std::numeric_limits<double>::infinity();
  });
  result.effect = measure_of(*best);
  result.decision = !best->above(0.0)     ? Decision::kUndecided
                    : share <= kLocalised ? Decision::kSupported
                                          : Decision::kContradicted;
  result.reason = fmt::format(
      "{:.0f} % of the layers carry 80 % of the effect; layer {} most, {}",
      100.0 * share, best - layers.begin(), points(*best));
  return result;
}

// "It differs": the interval leaves out 0. An interval around 0 is no proof
// of sameness, so the claim is never contradicted by it.
HypothesisResult differs(HypothesisResult result, const Estimate& e) {
  if (e.defined()) {
    result.effect = measure_of(e);
    result.reason = points(e);
    if (e.above(0.0) || e.below(0.0)) {
      result.decision = Decision::kSupported;
    }
  }
  return result;
}

HypothesisResult large_scales_break(std::span<const Breakdown> ladders) {
  auto result = row("H20", "Large scales destroy meaning",
                    "breakdown strength s_75 (of the first ladder that breaks)",
                    "sweep.rel_scales");
  result.unit = "residual norms";
  std::int64_t broke = 0;
  for (const auto& ladder : ladders) {
    broke += ladder.s75.defined() || ladder.never_coherent;
    if (ladder.s75.defined() && !result.effect.established()) {
      result.effect = measure_of(ladder.s75);
    }
  }
  const auto all = static_cast<std::int64_t>(ladders.size());
  if (all > 0) {
    result.decision = broke == all ? Decision::kSupported
                      : broke == 0 ? Decision::kContradicted
                                   : Decision::kUndecided;
    result.reason =
        fmt::format("text broke on {} of {} ladders of scales", broke, all);
  }
  return result;
}

}  // namespace

Measure measure_of(const Estimate& estimate, std::string_view reason) {
  if (!estimate.defined()) {
    return Measure::none(std::string(reason.empty() ? "undefined" : reason),
                         estimate.n);
  }
  const auto finite = [](double x) {
    return std::isfinite(x) ? std::optional<double>(x) : std::nullopt;
  };
  Measure measure;
  measure.value = estimate.value;
  measure.low = finite(estimate.low);
  measure.high = finite(estimate.high);
  measure.n = estimate.n;
  return measure;
}

double localisation(std::span<const Estimate> effect_by_layer) {
  std::vector<double> positive;
  double total = 0.0;
  for (const auto& effect : effect_by_layer) {
    if (effect.value > 0.0) {
      positive.push_back(effect.value);
      total += effect.value;
    }
  }
  if (total <= 0.0) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::ranges::sort(positive, std::greater<>());
  double sum = 0.0;
  std::size_t count = 0;
  // The margin is for sums that should be exactly four fifths.
  while (sum < 0.8 * total - 1e-12) {
    sum += positive[count++];
  }
  return static_cast<double>(count) /
         static_cast<double>(effect_by_layer.size());
}

std::vector<HypothesisResult> evaluate_cell_hypotheses(
    const CellHypothesisInput& input) {
  return {
      layers_differ(input.effect_by_layer),
      differs(row("H18", "Normalisation matters",
                  "norm restored after adding minus not, equal scale, paired",
                  "sweep.grid"),
              input.keep_norm_minus_add),
      differs(row("H19", "All layers do other than one layer",
                  "all layers minus one at equal KL, paired", "sweep.layers"),
              input.all_layers_minus_one),
      large_scales_break(input.breakdowns)};
}

}  // namespace veer
