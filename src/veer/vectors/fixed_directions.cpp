// SPDX-License-Identifier: MIT
#include "veer/vectors/fixed_directions.h"

#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/vectors/compared_layer.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

void check_fits(const SteeringVector& direction, const SteeringVector& other) {
  if (direction.num_layers() != other.num_layers() ||
      direction.width() != other.width() ||
      direction.model_fingerprint != other.model_fingerprint) {
    fail("compare directions",
         direction.name + " and " + other.name + " are of different models",
         "directions of one model");
  }
  require_finite(direction.directions_LD, "direction");
}

at::Tensor row_of(const SteeringVector& direction, std::int64_t layer) {
  return as_double(direction.directions_LD.select(0, layer));
}

// By layer; empty = not known.
using Reliabilities = std::vector<std::optional<double>>;

Reliabilities reliabilities_of(std::span<const FixedHalves> halves,
                               const std::string& direction) {
  Reliabilities out;
  for (const auto& entry : halves) {
    if (entry.direction == direction) {
      for (const auto& at : entry.by_layer) {
        out.push_back(at.reliability.value);
      }
    }
  }
  return out;
}

Reliabilities reliabilities_of(const Comparison& comparison,
                               const std::string& vector) {
  Reliabilities out;
  for (const auto& entry : comparison.vectors) {
    if (entry.name == vector) {
      for (const auto& at : entry.by_layer) {
        out.push_back(at.reliability.value);
      }
    }
  }
  return out;
}

void add_ceiling(FixedComparison& entry, const Reliabilities& a,
                 const Reliabilities& b) {
  for (std::size_t l = 0; l < entry.by_layer.size(); ++l) {
    auto& at = entry.by_layer[l];
    if (l >= a.size() || l >= b.size() || !at.raw_cosine || !a[l] || !b[l] ||
        !(*a[l] > 0.0) || !(*b[l] > 0.0)) {
      continue;
    }
    at.ceiling = std::sqrt(*a[l] * *b[l]);
    at.disattenuated = *at.raw_cosine / *at.ceiling;
  }
}

FixedAtLayer with_vector(const SteeringVector& direction,
                         const ComparedVector& vector, const NullDraws& draws,
                         const CompareOptions& options, std::int64_t layer) {
  FixedAtLayer out;
  out.layer = layer;
  const auto loaded = compared_layer(vector, layer);
  const auto fixed_D = row_of(direction, layer);
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

FixedAtLayer with_direction(const SteeringVector& direction,
                            const SteeringVector& other,
                            const CompareOptions& options, std::int64_t layer) {
  FixedAtLayer out;
  out.layer = layer;
  out.raw_cosine = plain_cosine(row_of(direction, layer), row_of(other, layer));
  out.isotropic =
      isotropic_null(direction.width(), out.raw_cosine, options.confidence);
  return out;
}

}  // namespace

std::vector<FixedHalves> agreement_of_halves(
    std::span<const FixedDirection> directions) {
  std::vector<FixedHalves> out;
  for (const auto& [whole, halves] : directions) {
    if (halves.empty()) {
      continue;
    }
    if (halves.size() != 2) {
      fail("halves of " + whole.name, fmt::format("{} of them", halves.size()),
           "two or none");
    }
    check_fits(halves[0], whole);
    check_fits(halves[1], whole);
    FixedHalves entry{whole.name, halves[0].num_items, halves[1].num_items, {}};
    for (std::int64_t l = 0; l < whole.num_layers(); ++l) {
      const auto cosine =
          plain_cosine(row_of(halves[0], l), row_of(halves[1], l));
      entry.by_layer.push_back(
          {l, cosine,
           cosine ? reliability_of_whole(*cosine, whole.num_items)
                  : Measure::none("no direction at this layer")});
    }
    out.push_back(std::move(entry));
  }
  return out;
}

std::vector<FixedComparison> compare_fixed(
    std::span<const FixedDirection> directions,
    std::span<const ComparedVector> vectors, const Comparison& comparison,
    const CompareOptions& options) {
  const auto draws = make_null_draws(
      options.random_draws, kNullColumns,
      hash64("fixed", static_cast<std::uint64_t>(options.seed)));
  const auto halves = agreement_of_halves(directions);
  std::vector<FixedComparison> out;
  for (std::size_t d = 0; d < directions.size(); ++d) {
    const auto& direction = directions[d].vector;
    const auto own = reliabilities_of(halves, direction.name);
    for (const auto& vector : vectors) {
      if (vector.vector.point != direction.point) {
        continue;
      }
      check_fits(direction, vector.vector);
      FixedComparison entry{direction.name, vector.vector.name, {}};
      for (std::int64_t l = 0; l < direction.num_layers(); ++l) {
        entry.by_layer.push_back(
            with_vector(direction, vector, draws, options, l));
      }
      add_ceiling(entry, own, reliabilities_of(comparison, entry.vector));
      out.push_back(std::move(entry));
    }
    for (const auto& [other, _] : directions.first(d)) {
      if (other.point != direction.point) {
        continue;
      }
      check_fits(direction, other);
      FixedComparison entry{direction.name, other.name, {}};
      for (std::int64_t l = 0; l < direction.num_layers(); ++l) {
        entry.by_layer.push_back(with_direction(direction, other, options, l));
      }
      add_ceiling(entry, own, reliabilities_of(halves, other.name));
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
                        {"null", at.covariance ? "covariance" : "isotropic"},
                        {"null_low", band.low},
                        {"null_high", band.high},
                        {"p", optional_json(band.p)},
                        {"ceiling", optional_json(at.ceiling)},
                        {"disattenuated", optional_json(at.disattenuated)}});
    }
    out.push_back({{"direction", entry.direction},
                   {"vector", entry.vector},
                   {"by_layer", layers}});
  }
  return out;
}

Json halves_json(std::span<const FixedHalves> halves) {
  Json out = Json::array();
  for (const auto& entry : halves) {
    Json layers = Json::array();
    for (const auto& at : entry.by_layer) {
      layers.push_back({{"layer", at.layer},
                        {"cosine", optional_json(at.cosine)},
                        {"reliability", optional_json(at.reliability.value)},
                        {"reason", at.reliability.reason}});
    }
    out.push_back({{"direction", entry.direction},
                   {"n", {entry.first_n, entry.second_n}},
                   {"by_layer", layers}});
  }
  return out;
}

}  // namespace veer
