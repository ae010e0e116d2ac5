// SPDX-License-Identifier: MIT
//
// Synthetic rows of known truth.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include "veer/vectors/tensor_numbers.h"

namespace veer {

// [rows, columns] fp64 from numbers in reading order.
inline at::Tensor matrix(std::int64_t rows, std::int64_t columns,
                         const std::vector<double>& values) {
  return from_vector(values).reshape({rows, columns});
}

inline at::Tensor unit(std::int64_t width, std::int64_t axis) {
  auto v =
      from_vector(std::vector<double>(static_cast<std::size_t>(width), 0.0));
  v[axis].fill_(1.0);
  return v;
}

// n rows mean_D + noise * N(0, I).
inline at::Tensor noisy_rows(const at::Tensor& mean_D, std::int64_t n,
                             double noise, std::uint64_t seed) {
  return normal_matrix(n, mean_D.size(0), seed) * noise + mean_D;
}

inline std::vector<std::string> item_ids(std::int64_t n,
                                         std::int64_t first = 0) {
  std::vector<std::string> ids;
  for (std::int64_t i = first; i < first + n; ++i) {
    ids.push_back("q" + std::to_string(i));
  }
  return ids;
}

}  // namespace veer
