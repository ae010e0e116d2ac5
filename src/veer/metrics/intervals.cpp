// SPDX-License-Identifier: MIT
#include "veer/metrics/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/data/units.h"
#include "veer/metrics/unit_shares.h"
#include "veer/vectors/distributions.h"

namespace veer {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

using Members = std::vector<std::vector<std::size_t>>;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

std::string level_name(std::string_view method, double level) {
  return fmt::format("{} {:g}%", method, 100.0 * level);
}

// The units of the questions that every list has a value for, as positions
// among those questions.
struct Kept {
  std::vector<std::size_t> questions;
  Members members;

  bool is_clustered() const { return members.size() < questions.size(); }
};

Kept kept_of(std::initializer_list<std::span<const double>> lists,
             std::span<const std::int64_t> units) {
  Kept kept;
  std::vector<std::int64_t> own;
  for (std::size_t i = 0; i < lists.begin()->size(); ++i) {
    if (std::ranges::any_of(
            lists, [i](const auto& list) { return std::isnan(list[i]); })) {
      continue;
    }
    kept.questions.push_back(i);
    if (!units.empty()) {
      if (i >= units.size()) {
        fail(
            "interval over units", fmt::format("{} units", units.size()),
            fmt::format("one for each of {} questions", lists.begin()->size()));
      }
      own.push_back(units[i]);
    }
  }
  kept.members = unit_members(own, kept.questions.size());
  return kept;
}

std::vector<double> taken(std::span<const double> values, const Kept& kept) {
  std::vector<double> out;
  for (const auto i : kept.questions) {
    out.push_back(values[i]);
  }
  return out;
}

// An estimate without a value yet.
Estimate estimate_of(const Kept& kept, std::string_view method,
                     std::string_view unit_method, double level,
                     bool has_units) {
  Estimate estimate;
  estimate.n = static_cast<std::int64_t>(kept.questions.size());
  estimate.clusters = has_units ? std::ssize(kept.members) : 0;
  estimate.method =
      level_name(kept.is_clustered() ? unit_method : method, level);
  return estimate;
}

// Percentile interval of statistic(resampled indices); units are resampled.
template <class Statistic>
void bootstrap(Estimate& estimate, const Members& members, std::uint64_t seed,
               std::int64_t draws, double level, Statistic&& statistic) {
  Random random(seed, "bootstrap");
  std::vector<std::size_t> chosen;
  std::vector<double> values;
  values.reserve(draws);
  for (std::int64_t b = 0; b < draws; ++b) {
    chosen.clear();
    for (std::size_t u = 0; u < members.size(); ++u) {
      const auto& unit = members[random.below(members.size())];
      chosen.insert(chosen.end(), unit.begin(), unit.end());
    }
    const double value = statistic(chosen);
    if (!std::isnan(value)) {
      values.push_back(value);
    }
  }
  if (values.empty()) {
    return;
  }
  estimate.low = quantile(values, 0.5 * (1.0 - level));
  estimate.high = quantile(values, 0.5 * (1.0 + level));
}

// A share over questions.
struct Shares {
  double mean = 0.0;
  double variance = 0.0;  // between questions, divided by n
  double effective_n = 0.0;
  double design_effect = 1.0;  // of units
};

Shares shares_of(const std::vector<double>& values, std::int64_t num_answers,
                 const Members& members, double level) {
  Shares shares;
  const double n = static_cast<double>(values.size());
  shares.mean = mean_of(values);
  for (const double value : values) {
    shares.variance += (value - shares.mean) * (value - shares.mean) / n;
  }
  const double binary = shares.mean * (1.0 - shares.mean);
  const double most = std::max(n, static_cast<double>(num_answers));
  shares.effective_n = binary <= 0.0 ? n
                       : shares.variance <= 0.0
                           ? most
                           : std::clamp(n * binary / shares.variance, n, most);
  if (members.size() < values.size()) {
    shares.design_effect =
        share_design_effect(values, members,
                            {.mean = shares.mean,
                             .variance = shares.variance,
                             .answers_per_question = shares.effective_n / n},
                            level);
    shares.effective_n /= shares.design_effect;
  }
  return shares;
}

struct Bounds {
  double low = 0.0;
  double high = 1.0;
};

// Wilson's score bounds of a share p of n.
Bounds score_bounds(double p, double n, double level) {
  const double z = normal_quantile(0.5 * (1.0 + level));
  const double center = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
  const double half = z / (1.0 + z * z / n) *
                      std::sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n));
  return {p <= 0.0 ? 0.0 : std::max(0.0, center - half),
          p >= 1.0 ? 1.0 : std::min(1.0, center + half)};
}

// Sum over units of the products of both sides' deviations from their means.
double unit_products(const std::vector<double>& a, double mean_a,
                     const std::vector<double>& b, double mean_b,
                     const Members& members) {
  double sum = 0.0;
  for (const auto& unit : members) {
    double of_a = 0.0;
    double of_b = 0.0;
    for (const auto i : unit) {
      of_a += a[i] - mean_a;
      of_b += b[i] - mean_b;
    }
    sum += of_a * of_b / static_cast<double>(a.size());
  }
  return sum;
}

// Newcombe's phi: the correlation over questions, or units, a positive one
// lowered by his continuity correction.
double lowered_correlation(const std::vector<double>& a, const Shares& of_a,
                           const std::vector<double>& b, const Shares& of_b,
                           const Members& members) {
  const auto product = [&](const auto& x, double mean_x, const auto& y,
                           double mean_y) {
    return unit_products(x, mean_x, y, mean_y, members);
  };
  const double scale = std::sqrt(product(a, of_a.mean, a, of_a.mean) *
                                 product(b, of_b.mean, b, of_b.mean));
  if (scale <= 0.0) {
    return 0.0;
  }
  const double covariance = product(a, of_a.mean, b, of_b.mean);
  // 1 / (2 n) of as many questions as count, where units' sums vary by the
  // design effect more than questions do.
  const double step = 0.5 * of_a.design_effect * of_b.design_effect /
                      static_cast<double>(a.size());
  const double lowered =
      covariance > 0.0 ? std::max(0.0, covariance - step) : covariance;
  return lowered / scale;
}

double mean_at(std::span<const double> values,
               const std::vector<std::size_t>& chosen) {
  double sum = 0.0;
  for (const auto index : chosen) {
    sum += values[index];
  }
  return sum / static_cast<double>(chosen.size());
}

void check_pairs(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) {
    fail("paired statistic",
         fmt::format("{} and {} questions", a.size(), b.size()),
         "one value of both sides per question");
  }
}

}  // namespace

Estimate wilson(std::int64_t successes, std::int64_t n, double level) {
  Estimate estimate;
  estimate.n = n;
  estimate.method = level_name("wilson", level);
  if (n <= 0) {
    return estimate;
  }
  const double size = static_cast<double>(n);
  const double p = static_cast<double>(successes) / size;
  const Bounds bounds = score_bounds(p, size, level);
  estimate.value = p;
  estimate.low = bounds.low;
  estimate.high = bounds.high;
  return estimate;
}

Estimate share_by_question(std::span<const double> per_question,
                           std::int64_t num_answers, double level,
                           std::span<const std::int64_t> units) {
  const Kept kept = kept_of({per_question}, units);
  const auto values = taken(per_question, kept);
  Estimate estimate =
      estimate_of(kept, "wilson", "wilson by unit", level, !units.empty());
  if (values.empty()) {
    return estimate;
  }
  const Shares shares = shares_of(values, num_answers, kept.members, level);
  const Bounds bounds = score_bounds(shares.mean, shares.effective_n, level);
  estimate.value = shares.mean;
  estimate.low = bounds.low;
  estimate.high = bounds.high;
  return estimate;
}

Estimate share_difference(std::span<const double> a, std::int64_t num_answers_a,
                          std::span<const double> b, std::int64_t num_answers_b,
                          double level, std::span<const std::int64_t> units) {
  check_pairs(a, b);
  const Kept kept = kept_of({a, b}, units);
  const auto first = taken(a, kept);
  const auto second = taken(b, kept);
  Estimate estimate =
      estimate_of(kept, "newcombe paired", "newcombe paired by unit", level,
                  !units.empty());
  if (first.empty()) {
    return estimate;
  }
  const Shares p = shares_of(first, num_answers_a, kept.members, level);
  const Shares q = shares_of(second, num_answers_b, kept.members, level);
  const Bounds of_p = score_bounds(p.mean, p.effective_n, level);
  const Bounds of_q = score_bounds(q.mean, q.effective_n, level);
  const double phi = lowered_correlation(first, p, second, q, kept.members);
  const auto joined = [phi](double x, double y) {
    return std::sqrt(std::max(0.0, x * x - 2.0 * phi * x * y + y * y));
  };
  estimate.value = p.mean - q.mean;
  estimate.low = std::max(
      -1.0, estimate.value - joined(p.mean - of_p.low, of_q.high - q.mean));
  estimate.high = std::min(
      1.0, estimate.value + joined(of_p.high - p.mean, q.mean - of_q.low));
  return estimate;
}

Estimate bootstrap_mean(std::span<const double> per_question,
                        std::uint64_t seed, std::int64_t draws, double level,
                        std::span<const std::int64_t> units) {
  const Kept kept = kept_of({per_question}, units);
  const auto values = taken(per_question, kept);
  Estimate estimate = estimate_of(kept, "bootstrap by question",
                                  "bootstrap by unit", level, !units.empty());
  if (values.empty()) {
    return estimate;
  }
  estimate.value = mean_of(values);
  if (kept.members.size() < 2) {
    return estimate;
  }
  bootstrap(estimate, kept.members, seed, draws, level,
            [&](const auto& chosen) { return mean_at(values, chosen); });
  return estimate;
}

Estimate paired_difference(std::span<const double> a, std::span<const double> b,
                           std::uint64_t seed, std::int64_t draws, double level,
                           std::span<const std::int64_t> units) {
  check_pairs(a, b);
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) {
    differences.push_back(a[i] - b[i]);
  }
  return bootstrap_mean(differences, seed, draws, level, units);
}

Estimate paired_ratio(std::span<const double> a, std::span<const double> b,
                      std::uint64_t seed, double smallest_denominator,
                      std::int64_t draws, double level,
                      std::span<const std::int64_t> units) {
  check_pairs(a, b);
  const Kept kept = kept_of({a, b}, units);
  const auto top = taken(a, kept);
  const auto bottom = taken(b, kept);
  Estimate estimate = estimate_of(kept, "bootstrap by question",
                                  "bootstrap by unit", level, !units.empty());
  if (top.empty() || std::abs(mean_of(bottom)) < smallest_denominator) {
    return estimate;
  }
  estimate.value = mean_of(top) / mean_of(bottom);
  bootstrap(estimate, kept.members, seed, draws, level,
            [&](const auto& chosen) {
              const double below = mean_at(bottom, chosen);
              return below == 0.0 ? kUndefined : mean_at(top, chosen) / below;
            });
  return estimate;
}

namespace {

// A cell's effects as the units' sums of deviations from the mean, scaled to
// unit square sum.
struct StudentisedCell {
  double mean = 0.0;
  double error = 0.0;              // of the mean; 0 = no spread
  std::vector<double> deviations;  // by unit
};

StudentisedCell studentise(const std::vector<double>& effects,
                           const Members& members) {
  StudentisedCell cell;
  const double n = static_cast<double>(effects.size());
  const double m = static_cast<double>(members.size());
  cell.mean = mean_of(effects);
  double square = 0.0;
  for (const auto& unit : members) {
    double sum = 0.0;
    for (const auto i : unit) {
      sum += effects[i] - cell.mean;
    }
    cell.deviations.push_back(sum);
    square += sum * sum;
  }
  // sqrt(M / (M - 1) sum D^2) / n.
  cell.error = m > 1.0 ? std::sqrt(square / (m - 1.0) / n * (m / n)) : 0.0;
  for (double& deviation : cell.deviations) {
    deviation = cell.error > 0.0 ? deviation / std::sqrt(square) : 0.0;
  }
  return cell;
}

// |t| of the deviations with flipped signs, studentised by their own spread:
// with the fixed spread of the data small samples reject far too often.
double flipped_t(const StudentisedCell& cell,
                 const std::vector<double>& signs) {
  double sum = 0.0;
  for (std::size_t i = 0; i < signs.size(); ++i) {
    sum += signs[i] * cell.deviations[i];
  }
  const double n = static_cast<double>(signs.size());
  const double rest = std::max(1e-12, 1.0 - sum * sum / n);
  return std::abs(sum) / std::sqrt(n) * std::sqrt((n - 1.0) / rest);
}

// Sorted maxima over the cells of |T*|.
std::vector<double> null_maxima(const std::vector<StudentisedCell>& cells,
                                std::size_t n, std::uint64_t seed,
                                std::int64_t draws) {
  Random random(seed, "max-t");
  std::vector<double> signs(n);
  std::vector<double> maxima;
  for (std::int64_t b = 0; b < draws; ++b) {
    for (auto& sign : signs) {
      sign = random.chance(0.5) ? 1.0 : -1.0;
    }
    double largest = 0.0;
    for (const auto& cell : cells) {
      largest = std::max(largest, flipped_t(cell, signs));
    }
    maxima.push_back(largest);
  }
  std::ranges::sort(maxima);
  return maxima;
}

}  // namespace

Estimate at_least_as_wide(Estimate estimate, const Estimate& own) {
  if (own.defined() && estimate.defined()) {
    estimate.low = std::min(estimate.low, own.low);
    estimate.high = std::max(estimate.high, own.high);
  }
  return estimate;
}

SimultaneousEffects max_t(std::span<const std::vector<double>> effects,
                          std::uint64_t seed, std::int64_t draws, double level,
                          std::span<const std::int64_t> units) {
  SimultaneousEffects result;
  if (effects.empty()) {
    return result;
  }
  const auto n = effects.front().size();
  if (!units.empty() && units.size() < n) {
    fail("max-t", fmt::format("{} units", units.size()),
         fmt::format("one for each of {} questions", n));
  }
  const auto members = unit_members(units.first(std::min(units.size(), n)), n);
  const bool is_clustered = members.size() < n;
  std::vector<StudentisedCell> cells;
  for (const auto& cell : effects) {
    if (cell.size() != n || n == 0) {
      fail("max-t", fmt::format("a cell with {} questions", cell.size()),
           fmt::format("{} in every cell, at least one", n));
    }
    cells.push_back(studentise(cell, members));
  }
  const auto maxima = null_maxima(cells, members.size(), seed, draws);
  result.critical = quantile(maxima, level);
  for (const auto& cell : cells) {
    Estimate estimate;
    estimate.value = cell.mean;
    estimate.n = static_cast<std::int64_t>(n);
    estimate.clusters = units.empty() ? 0 : std::ssize(members);
    estimate.method = level_name(
        is_clustered ? "max-t over cells by unit" : "max-t over cells", level);
    estimate.low = cell.mean - result.critical * cell.error;
    estimate.high = cell.mean + result.critical * cell.error;
    result.cells.push_back(std::move(estimate));
    const double t = cell.error > 0.0 ? std::abs(cell.mean) / cell.error
                     : cell.mean == 0.0
                         ? 0.0
                         : std::numeric_limits<double>::infinity();
    const auto at_least = maxima.end() - std::ranges::lower_bound(maxima, t);
    result.adjusted_p.push_back((1.0 + static_cast<double>(at_least)) /
                                (static_cast<double>(draws) + 1.0));
  }
  return result;
}

}  // namespace veer
