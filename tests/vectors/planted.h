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

#include "veer/vectors/compare.h"
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

// A vector of `n` items at one layer: the positive side is the negative one
// and a difference of the given mean.
inline ComparedVector vector_of_questions(
    const std::string& name, const at::Tensor& mean_D, std::int64_t n,
    std::uint64_t seed, const std::string& position = "answer_mean") {
  ComparedVector out;
  out.vector.name = name;
  out.vector.model_fingerprint = "m";
  out.vector.position = position;
  out.rows.name = name;
  out.rows.ids = item_ids(n);
  const auto base_ND = normal_matrix(n, mean_D.size(0), seed * 10);
  out.rows.negative = {base_ND.to(at::kFloat)};
  out.rows.positive = {
      (base_ND + noisy_rows(mean_D, n, 0.2, seed)).to(at::kFloat)};
  out.vector.directions_LD =
      out.rows.differences(0).mean(0).unsqueeze(0).to(at::kFloat);
  return out;
}

}  // namespace veer
