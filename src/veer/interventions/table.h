// SPDX-License-Identifier: MIT
//
// Configurations as rows of a table, applied by one hook: each row of a batch
// points at its own configuration, so a sweep over hundreds of them is one
// batch and costs what one costs.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/interventions/intervention.h"
#include "veer/model/packed_batch.h"
#include "veer/model/residual.h"

namespace veer {

// What acts on one row of the coming passes.
struct RowBinding {
  std::int64_t configuration = -1;  // -1 = none: the row stays bit-identical
  std::int64_t prompt_length = 1;   // tokens of the row's prompt
  // kPatch: the row of the same batch, with the same tokens, whose states
  // are copied. It must have no configuration itself.
  std::int64_t donor = -1;
};

// Not safe to share between threads. On a CPU without gradients the hidden
// states are changed in place by one fused kernel (fp32 inside); elsewhere by
// ATen operations that record gradients.
class InterventionTable : public ResidualHook {
 public:
  InterventionTable(std::int64_t num_layers, std::int64_t width,
                    at::Device device = at::kCPU);

  // Adds a configuration (edits of one or several interventions, applied in
  // order at each site) and returns its index. No edits is allowed.
  // Throws Error if an edit does not fit the model.
  std::int64_t add(std::vector<SiteEdit> edits);
  std::int64_t size() const;
  void clear();

  // What acts on the rows of the passes that follow, until the next call.
  // An empty span: nothing acts.
  void bind(std::span<const RowBinding> rows);

  // Whether the configuration changes a token before prompt_end, so that the
  // prompt's keys and values cannot be shared with the unsteered model.
  bool touches_prompt(std::int64_t configuration,
                      std::int64_t prompt_length) const;
  // Whether the configuration copies states of a donor row.
  bool needs_donor(std::int64_t configuration) const;

  bool wants(ResidualSite site) const override;
  at::Tensor visit(ResidualSite site, const at::Tensor& hidden_TD,
                   const PackedBatch& batch) override;

 private:
  // Edits of one site, by configuration.
  struct Site {
    std::vector<std::vector<std::int64_t>> edits_of_configuration;
  };
  std::vector<std::int64_t>& edits_at(ResidualSite site,
                                      std::int64_t configuration);
  at::Tensor visit_fused(const Site& site, const at::Tensor& hidden_TD,
                         const PackedBatch& batch);
  at::Tensor visit_generic(const Site& site, const at::Tensor& hidden_TD,
                           const PackedBatch& batch);

  std::int64_t num_layers_ = 0;
  std::int64_t width_ = 0;
  at::Device device_;
  std::int64_t num_configurations_ = 0;
  std::vector<SiteEdit> edits_;
  std::map<ResidualSite, Site> sites_;
  std::vector<RowBinding> rows_;
};

}  // namespace veer
