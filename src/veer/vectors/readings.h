// SPDX-License-Identifier: MIT
//
// What else a direction can be asked: which tokens it pushes, how much of it
// is explained by confounds, what the adapter itself writes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/model/adapter.h"
#include "veer/model/transformer.h"
#include "veer/vectors/steering_vector.h"

namespace veer {

struct LensToken {
  std::int32_t id = 0;
  double logit = 0.0;  // of the unit direction alone through norm and head
};

struct LensReading {
  std::int64_t layer = 0;
  std::vector<LensToken> up;    // most pushed up first
  std::vector<LensToken> down;  // most pushed down first
};

// Logit lens: each layer's unit direction through the final norm and the
// head, minus the mean over the vocabulary. Layers without a direction are
// left out. Only a hint: the norm is not linear, and later blocks act too.
std::vector<LensReading> logit_lens(const Transformer& model,
                                    const at::Tensor& directions_LD,
                                    std::int64_t num_tokens = 10);

// v minus its part in the span of `confounds` (each [L, D]), layer by layer;
// confounds of zero or dependent ones add nothing. Also the share of |v|^2
// that was removed per layer (0 where v is zero).
struct Residualised {
  at::Tensor directions_LD;
  std::vector<double> removed;
};
Residualised project_out(const at::Tensor& directions_LD,
                         std::span<const at::Tensor> confounds);

// The direction that an adapter writes into the residual stream: per layer
// the top left singular vector of s B A of the named writer ("o_proj" or
// "down_proj", or both stacked side by side when empty), scaled by its
// singular value; sign so that `towards_LD` (the mean difference, say) has a
// positive product where it is given. Layers without a pair are zero.
at::Tensor adapter_directions(const Adapter& adapter, std::int64_t num_layers,
                              std::int64_t width, const std::string& writer,
                              const at::Tensor& towards_LD = {});

}  // namespace veer
