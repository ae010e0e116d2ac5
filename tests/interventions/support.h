// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "veer/base/random.h"
#include "veer/interventions/intervention.h"
#include "veer/interventions/table.h"

namespace veer::testing {

inline constexpr std::int64_t kLayers = 3;
inline constexpr std::int64_t kWidth = 24;

inline at::Tensor normal(std::vector<std::int64_t> shape, std::uint64_t seed) {
  auto tensor = at::empty(shape, at::kFloat);
  Random random(seed, "test tensor");
  auto* values = tensor.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    values[i] = static_cast<float>(random.normal());
  }
  return tensor;
}

// [L, K, D] with orthonormal rows per layer (Gram-Schmidt).
inline at::Tensor orthonormal(std::int64_t count, std::uint64_t seed) {
  auto basis = normal({kLayers, count, kWidth}, seed).to(at::kDouble);
  for (std::int64_t l = 0; l < kLayers; ++l) {
    for (std::int64_t k = 0; k < count; ++k) {
      auto row = basis[l][k];
      for (std::int64_t j = 0; j < k; ++j) {
        row.sub_(basis[l][j] * basis[l][j].dot(row));
      }
      row.div_(row.norm());
    }
  }
  return basis.to(at::kFloat);
}

// A vector with every statistic any operator may ask for.
inline SteeringInput full_input() {
  SteeringInput input;
  input.name = "test";
  input.directions_LD = normal({kLayers, kWidth}, 1);
  input.norms = {{5.0, 6.0, 7.0}, {5.5, 6.5, 7.5}, {3.0, 4.0, 5.0}};
  input.sigma_L = {0.5, 0.6, 0.7};
  input.negative_mean_LD = normal({kLayers, kWidth}, 2);
  input.positive_mean_LD = normal({kLayers, kWidth}, 3);
  input.read_LD = normal({kLayers, kWidth}, 4);
  input.mean_LD = normal({kLayers, kWidth}, 5);
  input.second_LD = normal({kLayers, kWidth}, 6);
  input.condition_LD = normal({kLayers, kWidth}, 7);
  input.basis_LKD = orthonormal(3, 8);
  input.low_rank_read_LKD = orthonormal(2, 9);
  input.low_rank_target_LKD = normal({kLayers, 2, kWidth}, 10);
  input.low_rank_bias_LK = normal({kLayers, 2}, 11);
  return input;
}

inline Intervention at_layer(std::string operation, double scale,
                             ScaleUnit unit = ScaleUnit::kRaw,
                             std::int64_t layer = 1) {
  Intervention wish;
  wish.operation = std::move(operation);
  wish.scale = scale;
  wish.unit = unit;
  wish.layers = {layer};
  return wish;
}

// Rows of the given lengths; each is a whole text, its prompt all of it.
inline PackedBatch batch_of(std::vector<std::int64_t> lengths) {
  PackedBatch batch;
  batch.offsets = {0};
  for (const auto length : lengths) {
    batch.offsets.push_back(batch.offsets.back() + length);
    batch.starts.push_back(0);
  }
  return batch;
}

}  // namespace veer::testing
