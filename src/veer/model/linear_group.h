// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/adapter_pass.h"
#include "veer/model/linear.h"

namespace veer {

// The linear layers that read one input: q, k and v, say, or down alone. On a
// card they are one product, and what their pairs add are few, because there a
// decode step waits for launches. On a CPU each layer is computed by itself.
//
// The pairs' products are taken here in the model's dtype where no gradient is
// recorded and nothing is dropped; otherwise, and where a layer is changed by
// more than a pair, in fp32 (Linear). Sums are rounded once.
class LinearGroup {
 public:
  // Of the group, in the order of the forward pass: the same in every call.
  using Layers = std::span<const Linear* const>;

  // [T, width], part by part, and the tensor that they are parts of: undefined
  // where each was made by itself.
  struct Outputs {
    at::Tensor all_TO;
    std::vector<at::Tensor> parts;
  };

  // Lays weights and biases end to end on the device and in the dtype of
  // `like`, wherever they are now; each layer keeps its part, so that nothing
  // is held twice. Does nothing on a CPU.
  void join(std::span<Linear* const> layers, const at::Tensor& like);

  // Takes over the layers' pairs, if they are all that changes them. A pair
  // that is trained, or changed after this, is computed by its layer.
  void take_pairs(Layers layers);
  void forget_pairs();

  // `widths`: of the parts, those of the layers or of what one layer holds.
  Outputs apply(const at::Tensor& x_TI, Layers layers, at::IntArrayRef widths,
                const AdapterPass& adapter) const;

  // Adds the output of the group's one layer to `sum_TO` in place. Without
  // gradients.
  void add_to(at::Tensor& sum_TO, const at::Tensor& x_TI, const Linear& layer,
              const AdapterPass& adapter) const;

 private:
  bool is_joined(Layers layers) const;
  at::Tensor product(const at::Tensor& x_TI, std::int64_t rows) const;
  bool has_pairs_for(const at::Tensor& x_TI, Layers layers,
                     const AdapterPass& adapter) const;
  void add_pairs(at::Tensor& sum_TO, at::Tensor& low_TR,
                 const AdapterPass& adapter) const;
  at::Tensor with_pairs(const at::Tensor& x_TI, const Linear& first,
                        const AdapterPass& adapter) const;

  // The layers' rows, and behind them room for their A.
  at::Tensor weight_OI_;
  at::Tensor bias_O_;
  std::int64_t outputs_ = 0;

  at::Tensor A_RI_;  // of all pairs; in weight_OI_'s room where it suffices
  at::Tensor B_OR_;  // a block for each pair, times its scale over factor_
  double factor_ = 1.0;
  std::vector<std::pair<std::int64_t, std::int64_t>> versions_;
};

}  // namespace veer
