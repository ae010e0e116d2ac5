// SPDX-License-Identifier: MIT
#include "veer/claims/direction_claims.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/core.h>

namespace veer {
namespace {

constexpr double kLevel = 0.05;

HypothesisResult vector_exists(const char* id, const Comparison* comparison,
                               const std::string& name) {
  if (comparison == nullptr) {
    return not_measured(id, "the comparison was not measured");
  }
  for (const auto& vector : comparison->vectors) {
    if (vector.name != name) {
      continue;
    }
    auto row = claim_row(id);
    double p = 1.0;
    row.effect = Measure::none("no layer with a direction", vector.n);
    for (const auto& at : vector.by_layer) {
      if (at.existence_adjusted_p && *at.existence_adjusted_p <= p) {
        p = *at.existence_adjusted_p;
        if (at.relative_norm) {
          row.effect = Measure();
          row.effect.value = at.relative_norm;
          row.effect.n = vector.n;
          row.effect.clusters = vector.clusters;
        }
      }
    }
    row.decision = p < kLevel ? Decision::kSupported : Decision::kContradicted;
    row.reason =
        fmt::format("smallest sign-flip p over layers, corrected: {:.3g}", p);
    row.p = p;
    return row;
  }
  return not_measured(id, "vector " + name + " was not measured");
}

std::map<std::string, int> verdict_counts(const PairComparison& pair) {
  std::map<std::string, int> counts;
  for (const auto& at : pair.by_layer) {
    ++counts[at.verdict];
  }
  return counts;
}

std::string counts_text(const std::map<std::string, int>& counts) {
  std::string text;
  for (const auto& [verdict, count] : counts) {
    text += fmt::format("{}{} at {} layer{}", text.empty() ? "" : ", ", verdict,
                        count, count == 1 ? "" : "s");
  }
  return text;
}

HypothesisResult directions_align(const PairComparison& pair) {
  auto row = claim_row("H1");
  auto counts = verdict_counts(pair);
  row.effect = strongest_cosine(pair);
  row.reason = counts_text(counts);
  const int layers = static_cast<int>(pair.by_layer.size());
  const int apart = counts["orthogonal"] + counts["opposed"];
  const int together = counts["align"];
  if (2 * together >= layers) {
    row.decision = Decision::kSupported;
  } else if (2 * apart >= layers && together == 0) {
    row.decision = Decision::kContradicted;
  }
  return row;
}

HypothesisResult cosines_are_chance(const PairComparison& pair) {
  auto row = claim_row("H8");
  double smallest = 1.0;
  int tested = 0;
  int equivalent = 0;
  for (const auto& at : pair.by_layer) {
    if (!at.covariance || !at.covariance->p) {
      continue;
    }
    ++tested;
    smallest = std::min(smallest, *at.covariance->p);
    equivalent += at.equivalence_p.value_or(1.0) < kLevel ? 1 : 0;
  }
  row.effect = strongest_cosine(pair);
  if (tested == 0) {
    row.reason = "no layer could be tested";
    return row;
  }
  // Bonferroni over layers is what Holm asks of the smallest p.
  const double p = std::min(1.0, smallest * tested);
  row.p = p;
  if (p < kLevel) {
    row.decision = Decision::kContradicted;
  } else if (equivalent == static_cast<int>(pair.by_layer.size())) {
    row.decision = Decision::kSupported;
  }
  row.reason = fmt::format(
      "smallest p of the covariance-matched null over {} layers, corrected: "
      "{:.3g}; the chart's band of chance is that of one layer; equivalent to "
      "zero at {} layers",
      tested, p, equivalent);
  return row;
}

}  // namespace

const PairComparison* pair_of(const Comparison& comparison,
                              const std::string& a, const std::string& b) {
  for (const auto& pair : comparison.pairs) {
    if ((pair.a == a && pair.b == b) || (pair.b == a && pair.a == b)) {
      return &pair;
    }
  }
  return nullptr;
}

Measure strongest_cosine(const PairComparison& pair) {
  const PairAtLayer* best = nullptr;
  for (const auto& at : pair.by_layer) {
    if (at.cosine.value &&
        (best == nullptr ||
         std::abs(*at.cosine.value) > std::abs(*best->cosine.value))) {
      best = &at;
    }
  }
  if (best == nullptr) {
    return Measure::none("no layer with an established cosine");
  }
  Measure measure = best->cosine;
  measure.low = best->band_low;
  measure.high = best->band_high;
  measure.clusters = pair.num_clusters;
  return measure;
}

std::vector<HypothesisResult> direction_claims(const Comparison* comparison,
                                               const std::string& contrastive,
                                               const std::string& finetuned) {
  std::vector<HypothesisResult> rows = {
      vector_exists("G1", comparison, contrastive),
      vector_exists("G2", comparison, finetuned)};
  const auto* pair = comparison == nullptr
                         ? nullptr
                         : pair_of(*comparison, contrastive, finetuned);
  if (pair == nullptr) {
    for (const char* id : {"H1", "H8"}) {
      rows.push_back(not_measured(id, "the pair of vectors was not measured"));
    }
  } else {
    rows.push_back(directions_align(*pair));
    rows.push_back(cosines_are_chance(*pair));
  }
  return rows;
}

}  // namespace veer
