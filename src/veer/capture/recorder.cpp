// SPDX-License-Identifier: MIT
#include "veer/capture/recorder.h"

#include <algorithm>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

template <class T>
at::Tensor as_tensor(const std::vector<T>& values, at::ScalarType dtype,
                     at::Device device) {
  auto out = at::empty({static_cast<std::int64_t>(values.size())}, dtype);
  std::copy(values.begin(), values.end(), out.mutable_data_ptr<T>());
  return out.to(device);
}

}  // namespace

Recorder::Recorder(std::vector<ResidualSite> sites) : sites_(std::move(sites)) {
  if (sites_.empty()) {
    fail("record activations", "no site", "at least one");
  }
}

std::int64_t Recorder::last_layer() const {
  std::int64_t last = 0;
  for (const auto& site : sites_) {
    last = std::max(last, site.layer);
  }
  return last;
}

void Recorder::begin(const PackedBatch& batch,
                     const std::vector<std::vector<TokenGroup>>& groups) {
  if (static_cast<std::int64_t>(groups.size()) != batch.num_rows()) {
    fail("record activations", fmt::format("groups for {} rows", groups.size()),
         fmt::format("{} rows", batch.num_rows()));
  }
  num_rows_ = batch.num_rows();
  num_groups_ =
      groups.empty() ? 0 : static_cast<std::int64_t>(groups.front().size());
  std::vector<std::int64_t> tokens;
  std::vector<std::int64_t> targets;
  std::vector<double> weights;
  for (std::int64_t b = 0; b < num_rows_; ++b) {
    const auto& row = groups[static_cast<std::size_t>(b)];
    if (static_cast<std::int64_t>(row.size()) != num_groups_) {
      fail("record activations", "rows with different numbers of groups");
    }
    for (std::int64_t g = 0; g < num_groups_; ++g) {
      const auto& group = row[static_cast<std::size_t>(g)];
      for (const std::int64_t t : group) {
        if (t < 0 || t >= batch.length(b)) {
          fail("record activations", fmt::format("token {} of row {}", t, b),
               fmt::format("one of {} tokens", batch.length(b)));
        }
        tokens.push_back(batch.offsets[static_cast<std::size_t>(b)] + t);
        targets.push_back(b * num_groups_ + g);
        weights.push_back(1.0 / static_cast<double>(group.size()));
      }
    }
  }
  const auto device = batch.ids_T.device();
  tokens_N_ = as_tensor(tokens, at::kLong, device);
  targets_N_ = as_tensor(targets, at::kLong, device);
  weights_N_ = as_tensor(weights, at::kDouble, device);
  means_.assign(sites_.size(), {});
  norms_.assign(sites_.size(), {});
}

bool Recorder::wants(ResidualSite site) const {
  return std::find(sites_.begin(), sites_.end(), site) != sites_.end();
}

at::Tensor Recorder::visit(ResidualSite site, const at::Tensor& hidden_TD,
                           const PackedBatch&) {
  const auto place = static_cast<std::size_t>(
      std::find(sites_.begin(), sites_.end(), site) - sites_.begin());
  const auto read_TD = hidden_TD.detach();
  const auto picked_ND = read_TD.index_select(0, tokens_N_).to(at::kDouble) *
                         weights_N_.unsqueeze(1);
  auto sums = at::zeros({num_rows_ * num_groups_, hidden_TD.size(1)},
                        picked_ND.options());
  sums.index_add_(0, targets_N_, picked_ND);
  means_[place] = sums;
  if (keep_norms_) {
    norms_[place] = read_TD.to(at::kFloat).norm(2, 1).to(at::kDouble);
  }
  return hidden_TD;
}

at::Tensor Recorder::take() {
  for (std::size_t s = 0; s < sites_.size(); ++s) {
    if (means_.size() != sites_.size() || !means_[s].defined()) {
      fail("record activations", "no pass reached " + sites_[s].name(),
           "a forward pass up to that layer");
    }
  }
  const auto stacked = at::stack(means_, 1).to(at::kCPU, at::kFloat);
  means_.clear();
  return stacked.reshape({num_rows_, num_groups_,
                          static_cast<std::int64_t>(sites_.size()),
                          stacked.size(2)});
}

at::Tensor Recorder::take_norms() {
  if (!keep_norms_ || norms_.empty() || !norms_.front().defined()) {
    return {};
  }
  const auto stacked = at::stack(norms_, 0).to(at::kCPU);
  norms_.clear();
  return stacked;
}

}  // namespace veer
