// SPDX-License-Identifier: MIT
#include "veer/vectors/twin_share.h"

#include <algorithm>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/vectors/distributions.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/random_share.h"
#include "veer/vectors/replicates.h"
#include "veer/vectors/unit_rows.h"

namespace veer {
namespace {

// Rows of one vector at one layer, and which questions they belong to.
struct Side {
  at::Tensor rows_ND;
  std::span<const std::string> ids;
  RowUnits units;
};

Side side_of(const ComparedVector& compared, std::int64_t layer) {
  return {compared.rows.differences(layer), compared.rows.ids,
          row_units(compared.rows)};
}

Measure cosine_of(const Side& a, const Side& b, double confidence) {
  return cross_item_cosine(
             unit_sums(a.rows_ND, a.units), unit_sums(b.rows_ND, b.units),
             unite_units(a.ids, a.units, b.ids, b.units), confidence)
      .cosine;
}

double squared_norm_of(const Side& side) {
  return side.units.are_single()
             ? unbiased_squared_norm(side.rows_ND)
             : unbiased_squared_norm(unit_sums(side.rows_ND, side.units),
                                     side.units.counts);
}

// 1 - cos^2 of a cosine, whose interval may hold 0 and exceed 1.
Measure outside_of(const Measure& cosine) {
  if (!cosine.established() || !cosine.low || !cosine.high) {
    return Measure::none(cosine.reason, cosine.n);
  }
  const auto square = [](double c) { return std::min(1.0, c * c); };
  const double low = square(*cosine.low);
  const double high = square(*cosine.high);
  const bool holds_zero = *cosine.low <= 0.0 && *cosine.high >= 0.0;
  Measure share;
  share.n = cosine.n;
  share.clusters = cosine.clusters;
  share.value = 1.0 - square(*cosine.value);
  share.low = 1.0 - std::max(low, high);
  share.high = holds_zero ? 1.0 : 1.0 - std::min(low, high);
  return share;
}

// Which of the two directions is the one that is missing.
std::string reason_of(const Side& finetuned, const Side& honest,
                      const std::string& reason) {
  const auto is_noise = [](const Side& side) {
    return side.units.size() < 2 || squared_norm_of(side) <= 0.0;
  };
  if (is_noise(finetuned)) {
    return "the fine-tuned direction is no more than noise";
  }
  if (is_noise(honest)) {
    return "the honest twin's direction is no more than noise";
  }
  return reason;
}

// The mean of shares, of which draws[s] are those of seed s, one per layer.
Measure mean_share(const std::vector<std::vector<Measure>>& draws,
                   double confidence) {
  Measure out;
  std::vector<Replicate> seeds;
  double low = 0.0;
  double high = 0.0;
  for (const auto& layers : draws) {
    const auto n = static_cast<double>(layers.size());
    double value = 0.0;
    for (const auto& share : layers) {
      out.n = share.n;
      out.clusters = share.clusters;
      value += *share.value / n;
      low += *share.low / n;
      high += *share.high / n;
    }
    seeds.push_back({value, 0.0});
  }
  const auto over_seeds = over_replicates(seeds, confidence);
  const auto num_seeds = static_cast<double>(draws.size());
  const double mean = over_seeds.mean.value();
  // Layers and seeds share their questions: their errors are taken to move
  // together, which makes the mean's as large as theirs.
  const double below = mean - low / num_seeds;
  const double above = high / num_seeds - mean;
  const double seed_half =
      over_seeds.between_spread
          ? t_point((1.0 - confidence) / 2.0, num_seeds - 1.0) *
                *over_seeds.between_spread / std::sqrt(num_seeds)
          : 0.0;
  out.value = mean;
  out.low = std::max(0.0, mean - std::hypot(below, seed_half));
  out.high = std::min(1.0, mean + std::hypot(above, seed_half));
  return out;
}

std::optional<double> ratio(double part, double whole) {
  return whole > 0.0 ? std::optional(std::max(0.0, part) / whole)
                     : std::nullopt;
}

// The difference of the two on the questions that both have.
Side twin_side(const Side& finetuned, const Side& honest,
               std::vector<std::string>& ids) {
  const auto items = unite_items(finetuned.ids, honest.ids);
  std::vector<at::Tensor> rows;
  std::vector<std::string> units;
  for (std::size_t u = 0; u < items.x.size(); ++u) {
    if (items.x[u] >= 0 && items.y[u] >= 0) {
      rows.push_back(finetuned.rows_ND[items.x[u]] -
                     honest.rows_ND[items.y[u]]);
      const auto row = static_cast<std::size_t>(items.x[u]);
      ids.push_back(finetuned.ids[row]);
      units.push_back(
          finetuned.units
              .names[static_cast<std::size_t>(finetuned.units.of[row])]);
    }
  }
  return {rows.empty() ? finetuned.rows_ND.slice(0, 0, 0) : at::stack(rows),
          ids, row_units(ids, units)};
}

TwinAtLayer twin_at(std::span<const ComparedVector> finetuned,
                    std::span<const ComparedVector> honest,
                    const ComparedVector* contrastive, std::int64_t layer,
                    double confidence, std::vector<Measure>& shares) {
  TwinAtLayer at;
  at.layer = layer;
  for (std::size_t s = 0; s < finetuned.size(); ++s) {
    const auto tuned = side_of(finetuned[s], layer);
    const auto twin = side_of(honest[s], layer);
    const auto cosine = cosine_of(tuned, twin, confidence);
    shares.push_back(outside_of(cosine));
    if (!shares.back().established()) {
      shares.back().reason = reason_of(tuned, twin, cosine.reason);
    }
    if (s > 0) {
      continue;
    }
    at.cosine_honest = cosine;
    std::vector<std::string> ids;
    const auto difference = twin_side(tuned, twin, ids);
    if (difference.units.size() >= 2) {
      at.share_twin =
          ratio(squared_norm_of(difference), squared_norm_of(tuned));
    }
    at.cosine_contrastive_twin =
        contrastive == nullptr
            ? Measure::none("no contrastive vector at this position")
            : cosine_of(side_of(*contrastive, layer), difference, confidence);
  }
  return at;
}

constexpr const char* kNotMade =
    "no vector is made at this layer (extract.layers), or no adapter acts on "
    "it";

bool is_empty(const ComparedVector& compared, std::int64_t layer) {
  return compared.rows.differences(layer).norm().item<double>() == 0.0;
}

TwinAtLayer not_made(std::int64_t layer, std::int64_t n) {
  TwinAtLayer at;
  at.layer = layer;
  at.share_outside = Measure::none(kNotMade, n);
  at.cosine_honest = at.share_outside;
  at.cosine_contrastive_twin = at.share_outside;
  return at;
}

void require_pairs(std::span<const ComparedVector> finetuned,
                   std::span<const ComparedVector> honest) {
  if (finetuned.empty() || finetuned.size() != honest.size()) {
    fail("compare with the honest twin",
         fmt::format("{} fine-tunes and {} honest twins", finetuned.size(),
                     honest.size()),
         "one honest twin for each fine-tune");
  }
  const auto& first = finetuned.front().rows;
  for (const auto& vectors : {finetuned, honest}) {
    for (const auto& compared : vectors) {
      if (compared.rows.num_layers() != first.num_layers() ||
          compared.rows.positive.front().size(1) !=
              first.positive.front().size(1)) {
        fail("compare with the honest twin",
             fmt::format("{} and {} differ in layers or width",
                         finetuned.front().vector.name, compared.vector.name),
             "vectors of one model");
      }
    }
  }
}

}  // namespace

TwinShare twin_share(std::span<const ComparedVector> finetuned,
                     std::span<const ComparedVector> honest,
                     const ComparedVector* contrastive, double confidence) {
  require_pairs(finetuned, honest);
  TwinShare out;
  out.seeds = std::ssize(finetuned);
  std::vector<std::vector<Measure>> whole(finetuned.size());
  std::vector<at::Tensor> random;
  std::string reason = "no layer";
  for (std::int64_t l = 0; l < finetuned.front().rows.num_layers(); ++l) {
    if (is_empty(finetuned.front(), l) && is_empty(honest.front(), l)) {
      out.by_layer.push_back(not_made(l, finetuned.front().rows.num_items()));
      continue;
    }
    std::vector<Measure> shares;
    auto at = twin_at(finetuned, honest, contrastive, l, confidence, shares);
    const auto missing = std::ranges::find_if(
        shares, [](const Measure& m) { return !m.established(); });
    if (missing != shares.end()) {
      at.share_outside = *missing;
      reason = missing->reason;
    } else {
      std::vector<std::vector<Measure>> draws;
      for (std::size_t s = 0; s < shares.size(); ++s) {
        draws.push_back({shares[s]});
        whole[s].push_back(shares[s]);
      }
      at.share_outside = mean_share(draws, confidence);
      ++out.num_layers;
      const auto shares_B = random_shares_outside(
          finetuned.front(), honest.front().vector.directions_LD.select(0, l),
          l);
      if (shares_B.defined()) {
        at.share_random = shares_B.mean().item<double>();
        random.push_back(shares_B);
      }
    }
    out.by_layer.push_back(std::move(at));
  }
  out.share_outside = out.num_layers > 0
                          ? mean_share(whole, confidence)
                          : Measure::none("at no layer: " + reason,
                                          finetuned.front().rows.num_items());
  out.share_random = random_share(random);
  return out;
}

Json twin_share_json(const TwinShare& share) {
  Json layers = Json::array();
  for (const auto& at : share.by_layer) {
    layers.push_back({{"layer", at.layer},
                      {"share_outside", measure_json(at.share_outside)},
                      {"share_twin", optional_json(at.share_twin)},
                      {"share_random", optional_json(at.share_random)},
                      {"cosine_honest", measure_json(at.cosine_honest)},
                      {"cosine_contrastive_twin",
                       measure_json(at.cosine_contrastive_twin)}});
  }
  return {{"seeds", share.seeds},
          {"by_layer", layers},
          {"share_outside", measure_json(share.share_outside)},
          {"share_random", measure_json(share.share_random)},
          {"layers", share.num_layers}};
}

std::vector<ControlAtLayer> control_agreement(const ComparedVector& control,
                                              const ComparedVector& finetuned,
                                              const ComparedVector* contrastive,
                                              double confidence) {
  require_pairs(std::span(&finetuned, 1), std::span(&control, 1));
  std::vector<ControlAtLayer> out;
  for (std::int64_t l = 0; l < control.rows.num_layers(); ++l) {
    const auto own = side_of(control, l);
    const auto tuned = side_of(finetuned, l);
    ControlAtLayer at;
    at.layer = l;
    at.finetuned = cosine_of(own, tuned, confidence);
    at.contrastive =
        contrastive == nullptr
            ? Measure::none("no contrastive vector at this position")
            : cosine_of(own, side_of(*contrastive, l), confidence);
    if (own.units.size() >= 2 && tuned.units.size() >= 2) {
      const auto squared = ratio(squared_norm_of(own), squared_norm_of(tuned));
      at.norm_ratio =
          squared ? std::optional(std::sqrt(*squared)) : std::nullopt;
    }
    out.push_back(std::move(at));
  }
  return out;
}

Json control_agreement_json(std::span<const ControlAtLayer> layers) {
  Json out = Json::array();
  for (const auto& at : layers) {
    out.push_back({{"layer", at.layer},
                   {"finetuned", measure_json(at.finetuned)},
                   {"contrastive", measure_json(at.contrastive)},
                   {"norm_ratio", optional_json(at.norm_ratio)}});
  }
  return out;
}

}  // namespace veer
