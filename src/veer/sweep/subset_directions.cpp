// SPDX-License-Identifier: MIT
#include "veer/sweep/subset_directions.h"

#include <numeric>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/random.h"

namespace veer {

at::Tensor subset_directions(const VectorRows& rows, std::int64_t count,
                             const std::string& name, std::uint64_t seed) {
  if (count < 1 || count > rows.num_items()) {
    fail("vector " + name,
         fmt::format("{} of {} questions", count, rows.num_items()),
         "at least one and no more than there are");
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows.num_items()));
  std::iota(order.begin(), order.end(), 0);
  Random random(seed, name);
  random.shuffle(order);
  order.resize(static_cast<std::size_t>(count));
  const auto chosen_N = at::tensor(order, at::kLong);
  std::vector<at::Tensor> layers;
  for (std::int64_t layer = 0; layer < rows.num_layers(); ++layer) {
    layers.push_back(rows.differences(layer)
                         .index_select(0, chosen_N)
                         .mean(0)
                         .to(at::kFloat));
  }
  return at::stack(layers).contiguous();
}

}  // namespace veer
