// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "veer/base/random.h"
#include "veer/model/adapter.h"
#include "veer/train/adapter_files.h"

namespace veer {

struct LoraOptions {
  // Rank of each pair. Raise it when the training loss stays above that of
  // full fine-tuning; memory grows in proportion.
  std::int64_t rank = 32;
  // A pair's output is scaled by alpha / rank (rsLoRA: alpha / sqrt(rank)).
  double alpha = 16.0;
  // Share of a pair's inputs set to zero while training.
  double dropout = 0.0;
  // Last part of the module path. The default is every projection of a block
  // (Phi's fused qkv_proj and gate_up_proj count as the parts they hold).
  std::vector<std::string> modules = {"q_proj",   "k_proj",    "v_proj",
                                      "o_proj",   "gate_proj", "up_proj",
                                      "down_proj"};
  bool rslora = false;
  // Layers that get pairs, from 0; empty = all.
  std::vector<std::int64_t> layers;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("rank", self.rank, "low-rank size");
    field("alpha", self.alpha, "scale is alpha / rank");
    field("dropout", self.dropout, "share of adapter inputs dropped");
    field("modules", self.modules, "projections that get a pair");
    field("rslora", self.rslora, "scale is alpha / sqrt(rank)");
    field("layers", self.layers, "layers that get pairs, empty = all");
  }
};

// A fresh adapter as PEFT starts one: A = U(-1/sqrt(in), 1/sqrt(in)), B = 0,
// both fp32 leaves that record gradients. Throws Error if a module or layer
// fits nothing, or a number is out of range.
Adapter make_adapter(const LinearLayers& layers, const LoraOptions& options,
                     Random random);

// What write_adapter() needs to know of an adapter made from `options`.
AdapterInfo adapter_info(const LoraOptions& options,
                         const std::string& base_model);

}  // namespace veer
