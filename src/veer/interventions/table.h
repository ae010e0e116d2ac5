// SPDX-License-Identifier: MIT
//
// Configurations as rows of a table, applied by one hook: each row of a batch
// points at its own configuration, so a sweep over hundreds of them is one
// batch and costs what one costs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/interventions/edit_stacks.h"
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
  PositionRange thinking;  // of the row's think block; empty without one
};

// How far one token was moved at one site: |h' - h|, sums in fp64.
struct TokenMove {
  ResidualSite site;
  std::int64_t configuration = 0;
  double length = 0.0;
};

// Not safe to share between threads. On a CPU without gradients the hidden
// states are changed in place by one fused kernel (fp32 inside, each token
// reads its own configuration's vectors where they lie); elsewhere by ATen
// operations that record gradients.
class InterventionTable : public ResidualHook {
 public:
  InterventionTable(std::int64_t num_layers, std::int64_t width,
                    at::Device device = at::kCPU);

  // Adds a configuration (edits of one or several interventions, applied in
  // order at each site) and returns its index. No edits is allowed.
  // Throws Error if an edit does not fit the model.
  std::int64_t add(std::vector<SiteEdit> edits);
  std::int64_t size() const { return num_configurations_; }
  // Forgets all configurations and bindings.
  void clear();

  // What acts on the rows of the passes that follow, until the next call.
  // An empty span: nothing acts. Throws Error on a configuration out of range
  // or a patching one without a fit donor.
  void bind(std::span<const RowBinding> rows);

  // Whether the configuration changes a token before prompt_end, so that the
  // prompt's keys and values cannot be shared with the unsteered model.
  bool touches_prompt(std::int64_t configuration, std::int64_t prompt_length,
                      const PositionRange& thinking = {}) const;
  // Whether the configuration acts on think blocks.
  bool acts_on_thinking(std::int64_t configuration) const;
  // Blocks, from the first one, whose states the configuration leaves as they
  // are in every pass: a row under it repeats there the row without it. The
  // resid_post of the last of them may be changed. All of them without edits.
  std::int64_t blocks_below(std::int64_t configuration) const;
  // Whether the configuration copies states of a donor row.
  bool needs_donor(std::int64_t configuration) const;

  // Use the ATen path everywhere (tests, comparison).
  void set_generic_only(bool on) { generic_only_ = on; }

  // From now on the length of every change is appended to `moves`, which must
  // outlive the passes; null = no longer. Tokens on which an operator rests
  // count with length 0.
  void record_moves(std::vector<TokenMove>* moves) { moves_ = moves; }

  bool wants(ResidualSite site) const override;
  at::Tensor visit(ResidualSite site, const at::Tensor& hidden_TD,
                   const PackedBatch& batch) override;

 private:
  // Edits of one site, by configuration: usually none or one.
  using EditLists = std::vector<std::vector<std::int64_t>>;

  // The groups of every round and active site, for passes whose rows begin and
  // end as these.
  struct PassEdits {
    std::vector<std::int64_t> starts;
    std::vector<std::int64_t> offsets;
    std::map<ResidualSite, std::vector<std::vector<EditGroup>>> rounds;
  };

  void check_edit(const SiteEdit& edit) const;
  bool fused(const at::Tensor& hidden_TD) const;
  const PassEdits& edits_of_pass(const PackedBatch& batch);
  void record(const std::vector<TokenEdit>& tokens, const at::Tensor& before_ND,
              const at::Tensor& after_TD);
  // Tokens to change in round `n`: the n-th edit of each row's list. Rounds
  // keep several edits of a site in order.
  std::vector<TokenEdit> round(const EditLists& lists, std::size_t n,
                               const PackedBatch& batch) const;

  std::int64_t num_layers_ = 0;
  std::int64_t width_ = 0;
  at::Device device_;
  bool generic_only_ = false;
  std::int64_t num_configurations_ = 0;
  std::vector<SiteEdit> edits_;
  std::vector<std::int64_t> configuration_of_edit_;
  std::vector<std::vector<std::int64_t>> edits_of_configuration_;
  std::map<ResidualSite, EditLists> sites_;
  std::vector<RowBinding> rows_;
  std::set<ResidualSite> active_;
  std::vector<TokenMove>* moves_ = nullptr;
  // Of the generic path, made when a pass asks for them.
  std::unique_ptr<EditStacks> stacks_;
  std::unique_ptr<PassEdits> pass_;
};

}  // namespace veer
