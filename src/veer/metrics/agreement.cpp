// SPDX-License-Identifier: MIT
#include "veer/metrics/agreement.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/base/random.h"

namespace veer {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr int kDraws = 4000;
constexpr double kPriorWeight = 1.0;

// Counts or probabilities of pairs of labels, row = a, column = b.
struct PairTable {
  std::size_t size = 0;
  std::vector<double> cells;

  double& at(std::size_t a, std::size_t b) { return cells[a * size + b]; }
  double at(std::size_t a, std::size_t b) const { return cells[a * size + b]; }
};

// Of the labels that either side uses.
PairTable count_pairs(std::span<const std::int64_t> a,
                      std::span<const std::int64_t> b,
                      std::int64_t num_labels) {
  std::vector<std::size_t> place(static_cast<std::size_t>(num_labels));
  for (const auto side : {a, b}) {
    for (const auto label : side) {
      if (label < 0 || label >= num_labels) {
        fail("kappa", fmt::format("label {}", label),
             fmt::format("0 to {}", num_labels - 1));
      }
      place[static_cast<std::size_t>(label)] = 1;
    }
  }
  PairTable table;
  for (auto& used : place) {
    used = used != 0 ? table.size++ : 0;
  }
  table.cells.assign(table.size * table.size, 0.0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    table.at(place[static_cast<std::size_t>(a[i])],
             place[static_cast<std::size_t>(b[i])]) += 1.0;
  }
  return table;
}

double kappa_of(const PairTable& table) {
  std::vector<double> share_a(table.size);
  std::vector<double> share_b(table.size);
  double total = 0.0;
  double agreed = 0.0;
  for (std::size_t a = 0; a < table.size; ++a) {
    for (std::size_t b = 0; b < table.size; ++b) {
      const double cell = table.at(a, b);
      share_a[a] += cell;
      share_b[b] += cell;
      total += cell;
      agreed += a == b ? cell : 0.0;
    }
  }
  double by_chance = 0.0;
  for (std::size_t label = 0; label < table.size; ++label) {
    by_chance += share_a[label] * share_b[label] / (total * total);
  }
  return (agreed / total - by_chance) / (1.0 - by_chance);
}

// Marsaglia and Tsang 2000; a shape below 1 by way of shape + 1.
double draw_gamma(Random& random, double shape) {
  if (shape < 1.0) {
    return draw_gamma(random, shape + 1.0) *
           std::pow(1.0 - random.uniform(), 1.0 / shape);
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = random.normal();
    const double v = std::pow(1.0 + c * x, 3.0);
    if (v > 0.0 && std::log(1.0 - random.uniform()) <
                       0.5 * x * x + d - d * v + d * std::log(v)) {
      return d * v;
    }
  }
}

// Kappa of tables drawn from the posterior, sorted.
std::vector<double> posterior_kappas(const PairTable& counts) {
  Random random(0, "kappa");
  const double prior = kPriorWeight / static_cast<double>(counts.cells.size());
  std::vector<double> kappas;
  PairTable drawn = counts;
  while (kappas.size() < kDraws) {
    for (std::size_t i = 0; i < drawn.cells.size(); ++i) {
      drawn.cells[i] = draw_gamma(random, counts.cells[i] + prior);
    }
    const double kappa = kappa_of(drawn);
    if (!std::isnan(kappa)) {  // all weight on one cell, to the last bit
      kappas.push_back(kappa);
    }
  }
  std::ranges::sort(kappas);
  return kappas;
}

}  // namespace

Estimate cohen_kappa(std::span<const std::int64_t> a,
                     std::span<const std::int64_t> b, std::int64_t num_labels,
                     double level) {
  if (a.size() != b.size()) {
    fail("kappa", fmt::format("{} and {} labels", a.size(), b.size()),
         "one label of both sides per item");
  }
  Estimate estimate;
  estimate.n = std::ssize(a);
  estimate.method = fmt::format("Dirichlet posterior {:g}%", 100.0 * level);
  const PairTable counts = count_pairs(a, b, num_labels);
  if (counts.size < 2) {
    estimate.value = kUndefined;
    return estimate;
  }
  estimate.value = kappa_of(counts);
  const auto kappas = posterior_kappas(counts);
  const auto rank = [&](double p) {
    return kappas[static_cast<std::size_t>(p * (kDraws - 1))];
  };
  const bool all_agree = std::ranges::equal(a, b);
  estimate.low = std::min(estimate.value, rank(0.5 * (1.0 - level)));
  estimate.high =
      all_agree ? 1.0 : std::max(estimate.value, rank(0.5 * (1.0 + level)));
  return estimate;
}

Agreement agreement(std::span<const AnswerLabel> a,
                    std::span<const AnswerLabel> b) {
  std::vector<std::int64_t> left;
  std::vector<std::int64_t> right;
  std::int64_t same = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (a[i] != AnswerLabel::kUnjudged && b[i] != AnswerLabel::kUnjudged) {
      left.push_back(static_cast<std::int64_t>(a[i]));
      right.push_back(static_cast<std::int64_t>(b[i]));
      same += a[i] == b[i];
    }
  }
  Agreement result;
  result.n = std::ssize(left);
  result.same = left.empty()
                    ? kUndefined
                    : static_cast<double>(same) / static_cast<double>(result.n);
  result.kappa =
      cohen_kappa(left, right, static_cast<std::int64_t>(kNumAnswerLabels));
  return result;
}

std::vector<AnswerLabel> majority(
    std::span<const std::vector<AnswerLabel>> by_judge) {
  std::vector<AnswerLabel> labels;
  const std::size_t n = by_judge.empty() ? 0 : by_judge.front().size();
  for (std::size_t i = 0; i < n; ++i) {
    LabelCounts counts;
    for (const auto& own : by_judge) {
      if (own[i] != AnswerLabel::kUnjudged) {
        counts.add(own[i]);
      }
    }
    const auto most = std::ranges::max_element(counts.counts);
    const bool single =
        *most > 0 && std::ranges::count(counts.counts, *most) == 1;
    labels.push_back(
        single ? static_cast<AnswerLabel>(most - counts.counts.begin())
               : AnswerLabel::kUnjudged);
  }
  return labels;
}

}  // namespace veer
