// SPDX-License-Identifier: MIT
#include "veer/vectors/compared_layer.h"

#include <algorithm>

#include <ATen/ops/cat.h>

#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

// At most `limit` rows, evenly spread, minus their mean.
at::Tensor spread_rows(const at::Tensor& rows_ND, std::int64_t limit) {
  const std::int64_t step =
      std::max<std::int64_t>(1, (rows_ND.size(0) + limit - 1) / limit);
  const auto some_ND = rows_ND.slice(0, 0, rows_ND.size(0), step);
  return some_ND - some_ND.mean(0);
}

at::Tensor every_other(const at::Tensor& rows_ND, std::int64_t first) {
  return rows_ND.slice(0, first, rows_ND.size(0), 2);
}

}  // namespace

ComparedLayer compared_layer(const ComparedVector& compared,
                             std::int64_t layer) {
  const auto l = static_cast<std::size_t>(layer);
  ComparedLayer out;
  out.direction_D = as_double(compared.vector.directions_LD.select(0, layer));
  const auto positive_ND = as_double(compared.rows.positive[l]);
  const auto negative_ND = as_double(compared.rows.negative[l]);
  require_finite(positive_ND, "rows of the positive side");
  require_finite(negative_ND, "rows of the negative side");
  out.differences_ND = positive_ND - negative_ND;
  const auto p_ND = spread_rows(positive_ND, kNullRowsPerSide);
  const auto n_ND = spread_rows(negative_ND, kNullRowsPerSide);
  out.first_ND = at::cat({every_other(p_ND, 0), every_other(n_ND, 0)});
  out.second_ND = at::cat({every_other(p_ND, 1), every_other(n_ND, 1)});
  out.mean_D = (positive_ND.mean(0) + negative_ND.mean(0)) / 2.0;
  return out;
}

}  // namespace veer
