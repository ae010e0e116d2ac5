// SPDX-License-Identifier: MIT
#include "veer/vectors/confounds.h"

#include <set>

#include <ATen/ops/maximum.h>
#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

#include "veer/vectors/distributions.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/random_share.h"
#include "veer/vectors/readings.h"
#include "veer/vectors/tensor_numbers.h"
#include "veer/vectors/unit_rows.h"

namespace veer {
namespace {

bool same_place(const ComparedVector& a, const ComparedVector& b) {
  return a.vector.position == b.vector.position &&
         a.vector.point == b.vector.point;
}

at::Tensor sums_of(const ComparedVector& compared, std::int64_t layer) {
  return unit_sums(compared.rows.differences(layer), row_units(compared.rows));
}

ConfoundAtLayer overlap_at(const ComparedVector& vector,
                           const ComparedVector& confound,
                           const ItemUnion& items, std::int64_t layer,
                           double confidence) {
  ConfoundAtLayer out;
  out.layer = layer;
  out.raw_cosine =
      plain_cosine(as_double(vector.vector.directions_LD.select(0, layer)),
                   as_double(confound.vector.directions_LD.select(0, layer)));
  if (!out.raw_cosine) {
    out.cosine = Measure::none("one of the two is zero here");
    return out;
  }
  out.share = *out.raw_cosine * *out.raw_cosine;
  const auto reason = no_cross_item_estimate(vector.vector, confound.vector);
  out.cosine = reason.empty() ? cross_item_cosine(sums_of(vector, layer),
                                                  sums_of(confound, layer),
                                                  items, confidence)
                                    .cosine
                              : Measure::none(reason);
  return out;
}

std::optional<double> largest_by_chance(
    const ComparedVector& vector,
    const std::vector<const ComparedVector*>& confounds, std::int64_t layer) {
  at::Tensor largest_B;
  for (const auto* confound : confounds) {
    const auto outside_B = random_shares_outside(
        vector, confound->vector.directions_LD.select(0, layer), layer);
    if (outside_B.defined()) {
      const auto along_B = 1.0 - outside_B;
      largest_B =
          largest_B.defined() ? at::maximum(largest_B, along_B) : along_B;
    }
  }
  return largest_B.defined()
             ? std::optional(quantile(to_vector(largest_B), 0.95))
             : std::nullopt;
}

ConfoundsByChance by_chance(const ComparedVector& vector,
                            std::span<const ComparedVector> confounds,
                            const std::set<std::string>& carriers) {
  ConfoundsByChance out{vector.vector.name, {}, {}};
  std::vector<const ComparedVector*> neutral;
  for (const auto& confound : confounds) {
    if (same_place(vector, confound) &&
        !carriers.contains(confound.vector.contrast)) {
      neutral.push_back(&confound);
      out.confounds.push_back(confound.vector.name);
    }
  }
  for (std::int64_t l = 0; l < vector.vector.num_layers(); ++l) {
    out.largest_share.push_back(largest_by_chance(vector, neutral, l));
  }
  return out;
}

PairWithoutConfounds without(const ComparedVector& a, const ComparedVector& b,
                             std::span<const ComparedVector> confounds,
                             const std::set<std::string>& carriers) {
  PairWithoutConfounds out{a.vector.name, b.vector.name, {}, {}};
  std::vector<at::Tensor> directions;
  for (const auto& confound : confounds) {
    if (same_place(a, confound) &&
        !carriers.contains(confound.vector.contrast)) {
      directions.push_back(confound.vector.directions_LD);
      out.confounds.push_back(confound.vector.name);
    }
  }
  const auto rest_a = project_out(a.vector.directions_LD, directions);
  const auto rest_b = project_out(b.vector.directions_LD, directions);
  const auto cosine = [](const at::Tensor& x_LD, const at::Tensor& y_LD,
                         std::int64_t l) {
    return plain_cosine(as_double(x_LD.select(0, l)),
                        as_double(y_LD.select(0, l)));
  };
  for (std::int64_t l = 0; l < a.vector.num_layers(); ++l) {
    const auto i = static_cast<std::size_t>(l);
    out.by_layer.push_back(
        {l, cosine(a.vector.directions_LD, b.vector.directions_LD, l),
         cosine(rest_a.directions_LD, rest_b.directions_LD, l),
         rest_a.removed[i], rest_b.removed[i]});
  }
  return out;
}

// Rows of the questions in `keep`, in their order.
at::Tensor rows_on(const ComparedVector& compared,
                   const std::set<std::string>& keep, std::int64_t layer) {
  std::vector<std::int64_t> index;
  for (std::size_t i = 0; i < compared.rows.ids.size(); ++i) {
    if (keep.contains(compared.rows.ids[i])) {
      index.push_back(static_cast<std::int64_t>(i));
    }
  }
  return compared.rows.differences(layer).index_select(
      0, at::tensor(index, at::kLong));
}

struct ChosenItems {
  std::vector<std::string> ids;
  RowUnits units;
};

ChosenItems items_on(const ComparedVector& compared,
                     const std::set<std::string>& keep) {
  ChosenItems out;
  std::vector<std::string> units;
  for (std::size_t i = 0; i < compared.rows.ids.size(); ++i) {
    if (keep.contains(compared.rows.ids[i])) {
      out.ids.push_back(compared.rows.ids[i]);
      units.push_back(compared.rows.units.empty() ? out.ids.back()
                                                  : compared.rows.units[i]);
    }
  }
  out.units = row_units(out.ids, units);
  return out;
}

}  // namespace

ConfoundReport compare_with_confounds(std::span<const ComparedVector> vectors,
                                      std::span<const ComparedVector> confounds,
                                      double confidence,
                                      const std::set<std::string>& carriers) {
  ConfoundReport report;
  for (const auto& vector : vectors) {
    for (const auto& confound : confounds) {
      if (!same_place(vector, confound)) {
        continue;
      }
      const auto items = unite_units(vector.rows, confound.rows);
      ConfoundOverlap overlap{vector.vector.name, confound.vector.name, {}};
      for (std::int64_t l = 0; l < vector.vector.num_layers(); ++l) {
        overlap.by_layer.push_back(
            overlap_at(vector, confound, items, l, confidence));
      }
      report.overlaps.push_back(std::move(overlap));
    }
    report.by_chance.push_back(by_chance(vector, confounds, carriers));
  }
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    for (std::size_t j = i + 1; j < vectors.size(); ++j) {
      if (same_place(vectors[i], vectors[j])) {
        report.pairs.push_back(
            without(vectors[i], vectors[j], confounds, carriers));
      }
    }
  }
  return report;
}

SpanShare share_in_span(const ComparedVector& vector,
                        std::span<const ComparedVector> others) {
  SpanShare out;
  std::vector<at::Tensor> directions;
  for (const auto& other : others) {
    if (same_place(vector, other)) {
      directions.push_back(other.vector.directions_LD);
      out.used.push_back(other.vector.name);
    }
  }
  out.by_layer = project_out(vector.vector.directions_LD, directions).removed;
  return out;
}

std::vector<Measure> cosine_on(const ComparedVector& a, const ComparedVector& b,
                               std::span<const std::string> keep,
                               double confidence) {
  const std::set<std::string> wanted(keep.begin(), keep.end());
  const auto of_a = items_on(a, wanted);
  const auto of_b = items_on(b, wanted);
  const auto items = unite_units(of_a.ids, of_a.units, of_b.ids, of_b.units);
  const auto reason = no_cross_item_estimate(a.vector, b.vector);
  std::vector<Measure> out;
  for (std::int64_t l = 0; l < a.vector.num_layers(); ++l) {
    out.push_back(
        !reason.empty() ? Measure::none(reason)
        : of_a.ids.size() < 4 || of_b.ids.size() < 4
            ? Measure::none("fewer than 4 such questions", std::ssize(of_a.ids))
            : cross_item_cosine(unit_sums(rows_on(a, wanted, l), of_a.units),
                                unit_sums(rows_on(b, wanted, l), of_b.units),
                                items, confidence)
                  .cosine);
  }
  return out;
}

Json confounds_json(const ConfoundReport& report) {
  Json overlaps = Json::array();
  for (const auto& overlap : report.overlaps) {
    Json layers = Json::array();
    for (const auto& at : overlap.by_layer) {
      layers.push_back({{"layer", at.layer},
                        {"cosine", optional_json(at.cosine.value)},
                        {"low", optional_json(at.cosine.low)},
                        {"high", optional_json(at.cosine.high)},
                        {"reason", at.cosine.reason},
                        {"raw_cosine", optional_json(at.raw_cosine)},
                        {"share", optional_json(at.share)}});
    }
    overlaps.push_back({{"vector", overlap.vector},
                        {"confound", overlap.confound},
                        {"by_layer", layers}});
  }
  Json pairs = Json::array();
  for (const auto& pair : report.pairs) {
    Json layers = Json::array();
    for (const auto& at : pair.by_layer) {
      layers.push_back({{"layer", at.layer},
                        {"raw_cosine", optional_json(at.raw_cosine)},
                        {"without", optional_json(at.cosine)},
                        {"removed_a", at.removed_a},
                        {"removed_b", at.removed_b}});
    }
    pairs.push_back({{"a", pair.a},
                     {"b", pair.b},
                     {"confounds", pair.confounds},
                     {"by_layer", layers}});
  }
  Json by_chance = Json::array();
  for (const auto& own : report.by_chance) {
    Json layers = Json::array();
    for (std::size_t l = 0; l < own.largest_share.size(); ++l) {
      layers.push_back(
          {{"layer", l},
           {"largest_share", optional_json(own.largest_share[l])}});
    }
    by_chance.push_back({{"vector", own.vector},
                         {"confounds", own.confounds},
                         {"by_layer", layers}});
  }
  return {{"overlaps", overlaps}, {"by_chance", by_chance}, {"pairs", pairs}};
}

}  // namespace veer
