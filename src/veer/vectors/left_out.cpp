// SPDX-License-Identifier: MIT
#include "veer/vectors/left_out.h"

#include <vector>

#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "veer/vectors/tensor_numbers.h"

namespace veer {

VectorRows rows_without(const VectorRows& rows,
                        const std::set<std::string>& ids) {
  VectorRows out;
  out.name = rows.name;
  out.model_fingerprint = rows.model_fingerprint;
  out.site = rows.site;
  std::vector<std::int64_t> kept;
  for (std::size_t i = 0; i < rows.ids.size(); ++i) {
    if (!ids.contains(rows.ids[i])) {
      kept.push_back(static_cast<std::int64_t>(i));
      out.ids.push_back(rows.ids[i]);
      if (!rows.units.empty()) {
        out.units.push_back(rows.units[i]);
      }
    }
  }
  const auto index = at::tensor(kept, at::kLong);
  for (std::size_t l = 0; l < rows.positive.size(); ++l) {
    out.positive.push_back(rows.positive[l].index_select(0, index));
    out.negative.push_back(rows.negative[l].index_select(0, index));
  }
  return out;
}

at::Tensor refitted_directions(const SteeringVector& vector,
                               const VectorRows& rows,
                               const MethodOptions& options) {
  const auto& method = find_method(vector.method);
  std::vector<at::Tensor> layers;
  for (std::int64_t l = 0; l < rows.num_layers(); ++l) {
    TwoSides sides;
    sides.layer = l;
    sides.positive_ND = as_double(rows.positive[static_cast<std::size_t>(l)]);
    sides.negative_ND = as_double(rows.negative[static_cast<std::size_t>(l)]);
    sides.corpus_mean_D = sides.negative_ND.mean(0);
    layers.push_back(
        sides.positive_ND.equal(sides.negative_ND)
            ? at::zeros({vector.width()})
            : fit_direction(method, sides, options).direction_D.to(at::kFloat));
  }
  return at::stack(layers).contiguous();
}

}  // namespace veer
