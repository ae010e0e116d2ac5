// SPDX-License-Identifier: MIT
#include "veer/vectors/seed_agreement.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/vectors/item_statistics.h"

namespace veer {
namespace {

double mean_of(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double v : values) {
    sum += v;
  }
  return sum / static_cast<double>(values.size());
}

// Standard deviation, N - 1.
std::optional<double> spread_of(const std::vector<double>& values) {
  if (values.size() < 2) {
    return std::nullopt;
  }
  const double mean = mean_of(values);
  double squares = 0.0;
  for (const double v : values) {
    squares += (v - mean) * (v - mean);
  }
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

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
    at.between = mean_of(cosines);
    at.between_low = *std::min_element(cosines.begin(), cosines.end());
    at.between_high = *std::max_element(cosines.begin(), cosines.end());
  }
}

SeedAgreementAtLayer agreement_at(const ComparedVector& contrast,
                                  std::span<const ComparedVector> seeds,
                                  std::int64_t layer, double confidence) {
  SeedAgreementAtLayer at;
  at.layer = layer;
  std::vector<at::Tensor> rows;
  for (const auto& seed : seeds) {
    rows.push_back(seed.rows.differences(layer));
  }
  const auto contrast_ND = contrast.rows.differences(layer);
  std::vector<double> between;
  std::vector<double> with_contrast;
  std::vector<double> squared_errors;
  for (std::size_t s = 0; s < seeds.size(); ++s) {
    const auto got = cross_item_cosine(
        contrast_ND, rows[s], unite_items(contrast.rows.ids, seeds[s].rows.ids),
        confidence);
    if (got.cosine.value) {
      with_contrast.push_back(*got.cosine.value);
      squared_errors.push_back(got.standard_error * got.standard_error);
    }
    for (std::size_t t = s + 1; t < seeds.size(); ++t) {
      const auto pair = cross_item_cosine(
          rows[s], rows[t], unite_items(seeds[s].rows.ids, seeds[t].rows.ids),
          confidence);
      if (pair.cosine.value) {
        between.push_back(*pair.cosine.value);
      }
    }
  }
  add_between(at, between);
  at.num_seeds = std::ssize(with_contrast);
  if (!with_contrast.empty()) {
    at.with_contrast = mean_of(with_contrast);
    at.between_spread = spread_of(with_contrast);
    at.within_error = std::sqrt(mean_of(squared_errors));
  }
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
                   {"num_seeds", at.num_seeds},
                   {"with_contrast", optional_json(at.with_contrast)},
                   {"between_spread", optional_json(at.between_spread)},
                   {"within_error", optional_json(at.within_error)}});
  }
  return out;
}

}  // namespace veer
