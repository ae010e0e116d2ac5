// SPDX-License-Identifier: MIT
#include "veer/generation/repetition.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

namespace veer {

SeenTokens::SeenTokens(std::span<const std::int32_t> ids)
    : ids_(ids.begin(), ids.end()) {
  std::ranges::sort(ids_);
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
}

void SeenTokens::add(std::int32_t id) {
  const auto at = std::ranges::lower_bound(ids_, id);
  if (at == ids_.end() || *at != id) {
    ids_.insert(at, id);
  }
}

at::Tensor with_repetition_penalty(const at::Tensor& logits_BV,
                                   std::span<const SeenTokens* const> seen,
                                   double penalty) {
  const auto width = logits_BV.size(1);
  std::vector<std::int64_t> places;
  for (std::size_t b = 0; b < seen.size(); ++b) {
    for (const auto id : seen[b]->ids()) {
      places.push_back(static_cast<std::int64_t>(b) * width + id);
    }
  }
  auto out_BV = logits_BV
                    .to(logits_BV.device(), at::kFloat,
                        /*non_blocking=*/false, /*copy=*/true)
                    .contiguous();
  const auto places_N = at::tensor(places, at::kLong).to(logits_BV.device());
  auto flat = out_BV.view(-1);
  const auto old_N = flat.index_select(0, places_N);
  flat.index_copy_(0, places_N,
                   at::where(old_N < 0, old_N * penalty, old_N / penalty));
  return out_BV;
}

}  // namespace veer
