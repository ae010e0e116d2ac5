// SPDX-License-Identifier: MIT
#include "veer/vectors/seed_agreement.h"

#include <algorithm>
#include <numeric>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/unit_rows.h"

namespace veer {
namespace {

void require_same_shape(const ComparedVector& contrast,
                        const ComparedVector& tuned) {
  const auto& a = contrast.vector;
  const auto& b = tuned.vector;
  if (a.num_layers() != b.num_layers() || a.width() != b.width()) {
    fail("compare training seeds",
         fmt::format("{} has {} layers of width {}, {} has {} of {}", a.name,
                     a.num_layers(), a.width(), b.name, b.num_layers(),
                     b.width()),
         "vectors of one model");
  }
}

void add_between(SeedAgreementAtLayer& at, const std::vector<double>& cosines) {
  at.num_pairs = std::ssize(cosines);
  if (!cosines.empty()) {
    at.between = std::reduce(cosines.begin(), cosines.end()) /
                 static_cast<double>(cosines.size());
    at.between_low = *std::min_element(cosines.begin(), cosines.end());
    at.between_high = *std::max_element(cosines.begin(), cosines.end());
  }
}

SeedAgreementAtLayer agreement_at(const ComparedVector& contrast,
                                  std::span<const ComparedVector> seeds,
                                  std::int64_t layer, double confidence) {
  SeedAgreementAtLayer at;
  at.layer = layer;
  for (const auto& seed : seeds) {
    if (!no_cross_item_estimate(contrast.vector, seed.vector).empty()) {
      return at;
    }
  }
  std::vector<at::Tensor> rows;
  for (const auto& seed : seeds) {
    rows.push_back(
        unit_sums(seed.rows.differences(layer), row_units(seed.rows)));
  }
  const auto contrast_ND =
      unit_sums(contrast.rows.differences(layer), row_units(contrast.rows));
  std::vector<double> between;
  std::vector<Replicate> with_contrast;
  for (std::size_t s = 0; s < seeds.size(); ++s) {
    const auto got = cross_item_cosine(
        contrast_ND, rows[s], unite_units(contrast.rows, seeds[s].rows),
        confidence);
    if (got.cosine.value) {
      with_contrast.push_back({*got.cosine.value, got.standard_error});
    }
    for (std::size_t t = s + 1; t < seeds.size(); ++t) {
      const auto pair = cross_item_cosine(
          rows[s], rows[t], unite_units(seeds[s].rows, seeds[t].rows),
          confidence);
      if (pair.cosine.value) {
        between.push_back(*pair.cosine.value);
      }
    }
  }
  add_between(at, between);
  at.with_contrast = over_replicates(with_contrast, confidence);
  return at;
}

}  // namespace

std::vector<SeedAgreementAtLayer> seed_agreement(
    const ComparedVector& contrast, std::span<const ComparedVector> seeds,
    double confidence) {
  for (const auto& seed : seeds) {
    require_same_shape(contrast, seed);
  }
  std::vector<SeedAgreementAtLayer> out;
  for (std::int64_t l = 0; l < contrast.vector.num_layers(); ++l) {
    out.push_back(agreement_at(contrast, seeds, l, confidence));
  }
  return out;
}

Json seed_agreement_json(std::span<const SeedAgreementAtLayer> layers) {
  Json out = Json::array();
  for (const auto& at : layers) {
    out.push_back({{"layer", at.layer},
                   {"num_pairs", at.num_pairs},
                   {"between", optional_json(at.between)},
                   {"between_low", optional_json(at.between_low)},
                   {"between_high", optional_json(at.between_high)},
                   {"with_contrast", replicates_json(at.with_contrast)}});
  }
  return out;
}

}  // namespace veer
