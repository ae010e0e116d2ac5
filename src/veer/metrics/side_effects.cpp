// SPDX-License-Identifier: MIT
#include "veer/metrics/side_effects.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/metrics/control_mean.h"
#include "veer/metrics/intervals.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

constexpr std::int64_t kDraws = 2000;
constexpr const char* kTask = "effect on unrelated texts";

template <class Values>
double mean_of(const Values& values) {
  double sum = 0.0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

// The tokens of a draw of texts; what summarise_divergence takes from them.
double p95_of(std::span<const AnswerShift> texts,
              std::span<const std::size_t> chosen) {
  std::vector<double> tokens;
  for (const auto index : chosen) {
    const auto& own = texts[index].divergence;
    tokens.insert(tokens.end(), own.begin(), own.end());
  }
  return summarise_divergence(tokens).p95;
}

bool all_finite(std::span<const AnswerShift> texts) {
  return std::ranges::all_of(texts, [](const AnswerShift& text) {
    return std::ranges::all_of(text.divergence,
                               [](double x) { return std::isfinite(x); });
  });
}

Estimate p95_over_texts(std::span<const AnswerShift> texts,
                        std::uint64_t seed) {
  std::vector<std::size_t> chosen(texts.size());
  std::iota(chosen.begin(), chosen.end(), 0);
  Estimate estimate;
  estimate.value = p95_of(texts, chosen);
  estimate.n = std::ssize(texts);
  estimate.method = "bootstrap by text 95%";
  if (texts.size() < 2) {
    return estimate;
  }
  Random random(seed, "side effects");
  std::vector<double> draws;
  for (std::int64_t draw = 0; draw < kDraws; ++draw) {
    for (auto& index : chosen) {
      index = random.below(texts.size());
    }
    draws.push_back(p95_of(texts, chosen));
  }
  estimate.low = quantile(draws, 0.025);
  estimate.high = quantile(draws, 0.975);
  return estimate;
}

Estimate mean_over_texts(const std::vector<double>& values,
                         std::uint64_t seed) {
  auto estimate = bootstrap_mean(values, seed, kDraws);
  estimate.method = "bootstrap by text 95%";
  return estimate;
}

Estimate over_vectors(std::span<const SideEffects> vectors,
                      Estimate SideEffects::* part) {
  std::vector<double> values;
  for (const auto& vector : vectors) {
    if (!(vector.*part).defined()) {
      return {};
    }
    values.push_back((vector.*part).value);
  }
  // All see the same texts: what is asked is how much vectors differ.
  Estimate same_texts;
  same_texts.value = same_texts.low = same_texts.high = 0.0;
  auto estimate = mean_over_vectors(values, same_texts);
  estimate.method = "t over vectors 95%";
  if (vectors.size() < 2) {
    estimate.low = estimate.high = std::nan("");
  }
  return estimate;
}

}  // namespace

SideEffects side_effects(std::span<const AnswerShift> texts,
                         std::uint64_t seed) {
  if (texts.empty()) {
    fail(kTask, "no text", "at least one");
  }
  std::vector<double> divergence;
  std::vector<double> change;
  std::vector<double> kept;
  for (const auto& text : texts) {
    divergence.push_back(mean_of(text.divergence));
    change.push_back(mean_of(text.log_prob_change));
    kept.push_back(mean_of(text.top_kept));
  }
  if (!all_finite(texts)) {
    return {.top_kept = mean_over_texts(kept, seed)};
  }
  return {mean_over_texts(divergence, seed), p95_over_texts(texts, seed),
          mean_over_texts(change, seed), mean_over_texts(kept, seed)};
}

SideEffects mean_over_vectors(std::span<const SideEffects> vectors) {
  if (vectors.empty()) {
    fail(kTask, "no vector", "at least one");
  }
  return {over_vectors(vectors, &SideEffects::mean_divergence),
          over_vectors(vectors, &SideEffects::p95_divergence),
          over_vectors(vectors, &SideEffects::log_prob_change),
          over_vectors(vectors, &SideEffects::top_kept)};
}

}  // namespace veer
