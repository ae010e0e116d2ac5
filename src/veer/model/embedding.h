// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

#include "veer/model/adapter_pass.h"
#include "veer/model/config.h"

namespace veer {

// The embedding with what an adapter has for it.
struct Embedding {
  at::Tensor weight_VD;

  std::optional<LoraPair> pair;  // [rank, V], [D, rank]
  at::Tensor gain_D;             // of a pair with a magnitude
  at::Tensor tuned_VD;           // undefined: as the base has it
  at::Tensor row_of_V;           // int64: row of rows_ND, or -1
  at::Tensor rows_ND;

  // int64 [T] -> [T, D], times the factor of families that have one.
  at::Tensor apply(const ModelConfig& config, const at::Tensor& ids_T,
                   const AdapterPass& adapter) const;

  bool is_changed() const;
  void forget_adapter();

 private:
  at::Tensor tuned(const at::Tensor& base_TD, const at::Tensor& ids_T) const;
};

}  // namespace veer
