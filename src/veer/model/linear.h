// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "veer/model/adapter.h"
#include "veer/model/adapter_pass.h"
#include "veer/model/ops.h"

namespace veer {

// A linear layer with what an adapter has for it. Where precision and adapters
// meet: nothing above it knows of either.
struct Linear {
  std::string path;       // "model.layers.0.self_attn.q_proj"
  std::int64_t number{};  // among the model's linear layers, from 0
  at::Tensor weight_OI;
  at::Tensor bias_O;          // may be undefined
  ops::TurnedWeights turned;  // of weight_OI, where they are kept

  std::optional<LoraPair> pair;
  at::Tensor gain_O;  // of a pair with a magnitude: magnitude / |W' + s B A|
  at::Tensor tuned_weight_OI;  // undefined: as the base has it
  at::Tensor tuned_bias_O;
  at::Tensor row_ids_N;  // outputs whose weights are rows of their own
  at::Tensor rows_NI;

  // [T, I] -> [T, O] in x's dtype; the pair's product is taken in fp32, but for
  // a pair in training on a card (linear_trained.h).
  at::Tensor apply(const at::Tensor& x_TI, const AdapterPass& adapter) const;
  // The same from what the base gives for x, bias included.
  at::Tensor adapted(const at::Tensor& x_TI, const at::Tensor& base_TO,
                     const AdapterPass& adapter) const;

  // Whether the pair is in training and computed with its gradients in one go.
  bool trains_pair(const at::Tensor& x_TI, const AdapterPass& adapter) const;

  bool is_changed() const;
  // Changed by a pair and nothing else.
  bool has_plain_pair() const;
  void forget_adapter();

 private:
  at::Tensor tuned(const at::Tensor& x_TI, const at::Tensor& base_TO,
                   const AdapterPass& adapter) const;
};

}  // namespace veer
