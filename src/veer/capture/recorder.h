// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/packed_batch.h"
#include "veer/model/residual.h"

namespace veer {

// Tokens of one row, to be averaged: indices within the row.
using TokenGroup = std::vector<std::int64_t>;

// Reads the residual stream: for every wanted site and every token group of
// every row the mean over the group's tokens, and, where asked, norms of
// single tokens. Holds one batch; nothing is kept beyond what take() returns.
// The pass itself is unchanged bit by bit. Not safe to share between threads.
class Recorder : public ResidualHook {
 public:
  // Sites that are read, in the order of the results.
  explicit Recorder(std::vector<ResidualSite> sites);

  // Prepares for one forward pass. groups[b][g] = tokens of group g of row b;
  // every row has the same number of groups, an empty group gives a row of
  // zeros. Throws Error if an index lies outside its row.
  void begin(const PackedBatch& batch,
             const std::vector<std::vector<TokenGroup>>& groups);

  bool wants(ResidualSite site) const override;
  at::Tensor visit(ResidualSite site, const at::Tensor& hidden_TD,
                   const PackedBatch& batch) override;

  // What the pass left: [rows, groups, sites, width], fp32, on the CPU (sums
  // in fp64). Throws Error if a site was not visited.
  at::Tensor take();

  // Euclidean norm of every token at every site, [sites, T] fp64 on the CPU;
  // empty unless keep_norms(true) was called before the pass.
  void keep_norms(bool on) { keep_norms_ = on; }
  at::Tensor take_norms();

  const std::vector<ResidualSite>& sites() const { return sites_; }
  std::int64_t last_layer() const;

 private:
  std::vector<ResidualSite> sites_;
  std::int64_t num_rows_ = 0;
  std::int64_t num_groups_ = 0;
  at::Tensor tokens_N_;   // packed index of each picked token
  at::Tensor targets_N_;  // row * groups + group
  at::Tensor weights_N_;  // 1 / size of the group
  std::vector<at::Tensor> means_;
  std::vector<at::Tensor> norms_;
  bool keep_norms_ = false;
};

}  // namespace veer
