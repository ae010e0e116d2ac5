// SPDX-License-Identifier: MIT
#include "veer/vectors/sample_size.h"

#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

#include "veer/base/random.h"
#include "veer/vectors/distributions.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/unit_rows.h"

namespace veer {
namespace {

constexpr std::int64_t kSmallest = 20;

std::vector<std::int64_t> sizes_up_to(std::int64_t n) {
  std::vector<std::int64_t> sizes;
  for (std::int64_t size = kSmallest; size < n; size *= 2) {
    sizes.push_back(size);
  }
  if (n >= kSmallest) {
    sizes.push_back(n);
  }
  return sizes;
}

// Both vectors' rows of the questions that they share, in one order.
struct CommonRows {
  at::Tensor a_N, b_N;             // row numbers
  std::vector<std::int64_t> unit;  // of each
  std::int64_t n = 0;
};

CommonRows common_rows(const VectorRows& a, const VectorRows& b) {
  const auto both = unite_items(a.ids, b.ids);
  std::vector<std::int64_t> of_a;
  std::vector<std::int64_t> of_b;
  std::vector<std::int64_t> unit;
  const auto units = row_units(a);
  for (std::size_t i = 0; i < both.x.size(); ++i) {
    if (both.x[i] >= 0 && both.y[i] >= 0) {
      of_a.push_back(both.x[i]);
      of_b.push_back(both.y[i]);
      unit.push_back(units.of[static_cast<std::size_t>(both.x[i])]);
    }
  }
  return {at::tensor(of_a, at::kLong), at::tensor(of_b, at::kLong),
          std::move(unit), std::ssize(of_a)};
}

// Some of these rows, with the units they are of.
struct Subset {
  at::Tensor rows_N;
  RowUnits units;
  double own_pairs = 0.0;  // pairs of two questions of one unit
};

Subset subset_of(const std::vector<std::int64_t>& order, std::int64_t size,
                 const std::vector<std::int64_t>& unit) {
  const std::vector<std::int64_t> rows(order.begin(), order.begin() + size);
  std::vector<std::string> names;
  for (const auto row : rows) {
    names.push_back(std::to_string(unit[static_cast<std::size_t>(row)]));
  }
  Subset out{at::tensor(rows, at::kLong), row_units(names, names), 0.0};
  for (const auto count : out.units.counts) {
    out.own_pairs += static_cast<double>(count * count);
  }
  return out;
}

struct MeanOfSubset {
  at::Tensor mean_D;
  std::optional<double> reliability;
};

// With S the sum of n rows: plain |S|^2 / n^2, and without the products of
// rows of one unit (|S|^2 - sum |S_c|^2) / (n^2 - sum n_c^2).
MeanOfSubset mean_of(const at::Tensor& rows_ND, const Subset& chosen) {
  const auto n = static_cast<double>(chosen.rows_N.size(0));
  const auto chosen_ND = rows_ND.index_select(0, chosen.rows_N);
  MeanOfSubset out{chosen_ND.mean(0), {}};
  const double plain = out.mean_D.dot(out.mean_D).item<double>();
  const double pairs = n * n - chosen.own_pairs;
  if (plain > 0.0 && pairs > 0.0) {
    const double own =
        unit_sums(chosen_ND, chosen.units).square().sum(1).sum().item<double>();
    const double unbiased = (plain * n * n - own) / pairs;
    out.reliability = unbiased / plain;
  }
  return out;
}

Measure over_draws(const std::vector<double>& values, std::int64_t questions) {
  if (values.empty()) {
    return Measure::none(
        "both sides are the same here, or the layer was not extracted",
        questions);
  }
  Measure out;
  out.value = std::accumulate(values.begin(), values.end(), 0.0) /
              static_cast<double>(values.size());
  out.low = quantile(values, 0.025);
  out.high = quantile(values, 0.975);
  out.n = questions;
  return out;
}

SampleSizePoint point_at(const at::Tensor& a_ND, const at::Tensor& b_ND,
                         std::int64_t size, const std::vector<Subset>& chosen) {
  std::vector<double> of_a;
  std::vector<double> of_b;
  std::vector<double> cosines;
  const auto keep = [](std::vector<double>& list, std::optional<double> value) {
    if (value) {
      list.push_back(*value);
    }
  };
  for (const auto& subset : chosen) {
    if (size == a_ND.size(0) && !cosines.empty()) {
      break;  // all of them are one draw
    }
    const auto a = mean_of(a_ND, subset);
    const auto b = mean_of(b_ND, subset);
    keep(of_a, a.reliability);
    keep(of_b, b.reliability);
    keep(cosines, plain_cosine(a.mean_D, b.mean_D));
  }
  return {size, over_draws(of_a, size), over_draws(of_b, size),
          over_draws(cosines, size)};
}

}  // namespace

SampleSizeCurve sample_size_curve(const ComparedVector& a,
                                  const ComparedVector& b, std::int64_t draws,
                                  std::uint64_t seed) {
  SampleSizeCurve curve;
  const bool are_means = no_cross_item_estimate(a.vector, b.vector).empty();
  const auto common = common_rows(a.rows, b.rows);
  if (!are_means || common.n < kSmallest) {
    return curve;
  }
  curve.sizes = sizes_up_to(common.n);
  curve.draws = draws;
  Random random(seed, "sample size");
  std::vector<std::vector<Subset>> chosen(curve.sizes.size());
  std::vector<std::int64_t> order(static_cast<std::size_t>(common.n));
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t i = 0; i < draws; ++i) {
    random.shuffle(order);
    for (std::size_t s = 0; s < curve.sizes.size(); ++s) {
      chosen[s].push_back(subset_of(order, curve.sizes[s], common.unit));
    }
  }
  for (std::int64_t layer = 0; layer < a.rows.num_layers(); ++layer) {
    const auto a_ND = a.rows.differences(layer).index_select(0, common.a_N);
    const auto b_ND = b.rows.differences(layer).index_select(0, common.b_N);
    auto& points = curve.by_layer.emplace_back();
    for (std::size_t s = 0; s < curve.sizes.size(); ++s) {
      points.push_back(point_at(a_ND, b_ND, curve.sizes[s], chosen[s]));
    }
  }
  return curve;
}

Json sample_size_json(const SampleSizeCurve& curve) {
  Json layers = Json::array();
  for (std::size_t l = 0; l < curve.by_layer.size(); ++l) {
    Json row = {{"layer", l},
                {"reliability_a", Json::array()},
                {"reliability_b", Json::array()},
                {"cosine", Json::array()}};
    for (const auto& point : curve.by_layer[l]) {
      row["reliability_a"].push_back(measure_json(point.reliability_a));
      row["reliability_b"].push_back(measure_json(point.reliability_b));
      row["cosine"].push_back(measure_json(point.cosine));
    }
    layers.push_back(std::move(row));
  }
  return {{"sizes", curve.sizes},
          {"draws", curve.draws},
          {"by_layer", std::move(layers)}};
}

}  // namespace veer
