// SPDX-License-Identifier: MIT
#include "veer/vectors/fixed_directions.h"

#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/vectors/compared_layer.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

void check_fits(const SteeringVector& direction, const ComparedVector& vector) {
  const auto& v = vector.vector;
  if (direction.num_layers() != v.num_layers() ||
      direction.width() != v.width() ||
      direction.model_fingerprint != v.model_fingerprint) {
    fail("compare directions",
         direction.name + " and " + v.name + " are of different models",
         "directions of one model");
  }
  require_finite(direction.directions_LD, "direction");
}

FixedAtLayer at_layer(const SteeringVector& direction,
                      const ComparedVector& vector, const NullDraws& draws,
                      const CompareOptions& options, std::int64_t layer) {
  FixedAtLayer out;
  out.layer = layer;
  const auto loaded = compared_layer(vector, layer);
  const auto fixed_D = as_double(direction.directions_LD.select(0, layer));
  out.raw_cosine = plain_cosine(fixed_D, loaded.direction_D);
  out.isotropic =
      isotropic_null(direction.width(), out.raw_cosine, options.confidence);
  if (const auto null = covariance_null(
          loaded.first_ND, loaded.second_ND, fixed_D, loaded.direction_D,
          out.raw_cosine, draws, options.confidence)) {
    out.covariance = null->with_a;
  }
  return out;
}

}  // namespace

std::vector<FixedComparison> compare_fixed(
    std::span<const SteeringVector> directions,
    std::span<const ComparedVector> vectors, const CompareOptions& options) {
  const auto draws = make_null_draws(
      options.random_draws, kNullColumns,
      hash64("fixed", static_cast<std::uint64_t>(options.seed)));
  std::vector<FixedComparison> out;
  for (const auto& direction : directions) {
    for (const auto& vector : vectors) {
      if (vector.vector.point != direction.point) {
        continue;
      }
      check_fits(direction, vector);
      FixedComparison entry{direction.name, vector.vector.name, {}};
      for (std::int64_t l = 0; l < direction.num_layers(); ++l) {
        entry.by_layer.push_back(
            at_layer(direction, vector, draws, options, l));
      }
      out.push_back(std::move(entry));
    }
  }
  return out;
}

Json fixed_json(std::span<const FixedComparison> comparisons) {
  Json out = Json::array();
  for (const auto& entry : comparisons) {
    Json layers = Json::array();
    for (const auto& at : entry.by_layer) {
      const auto& band = at.covariance ? *at.covariance : at.isotropic;
      layers.push_back({{"layer", at.layer},
                        {"raw_cosine", optional_json(at.raw_cosine)},
                        {"null_low", band.low},
                        {"null_high", band.high},
                        {"p", optional_json(band.p)}});
    }
    out.push_back({{"direction", entry.direction},
                   {"vector", entry.vector},
                   {"by_layer", layers}});
  }
  return out;
}

}  // namespace veer
