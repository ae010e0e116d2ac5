// SPDX-License-Identifier: MIT
//
// A steering direction trained by gradient (bi-directional preference
// optimization, BiPO: Cao et al. 2024, arXiv 2406.00045). The model stays
// frozen; one vector v, added at one layer, learns to make one answer likelier
// than another when it is added and less likely when it is subtracted:
//
//   min_v  mean over pairs and signs d of
//          -log sigmoid(d beta ((lp+(d v) - lp+(0)) - (lp-(d v) - lp-(0))))
//
// lp+ and lp- are the summed log-probabilities of the two answers with their
// end-of-turn tokens. The paper adds v to every token; here it is added from
// the last token of the prompt on, as a sweep does by default.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/base/progress.h"
#include "veer/model/transformer.h"

namespace veer {

// Two answers to the same prompt. `begin`: first token of the answer, the
// length of the prompt.
struct PreferencePair {
  std::vector<std::int32_t> wanted;
  std::vector<std::int32_t> unwanted;
  std::int64_t begin = 0;
};

struct PreferenceOptions {
  std::int64_t layer = 0;
  std::int64_t steps = 60;
  std::int64_t batch = 8;  // pairs in a step
  double beta = 0.1;
  // AdamW's, of v in units of `norm` / sqrt(width): 0.01 moves v by at most a
  // hundredth of the residual norm per step.
  double learning_rate = 0.01;
  double weight_decay = 0.05;
  double norm = 1.0;  // mean norm of the residual stream at the layer
  std::uint64_t seed = 0;
};

struct PreferenceDirection {
  at::Tensor direction_D;      // fp32, residual units
  std::vector<double> losses;  // per step
  // Mean over all pairs of (lp+ - lp-) with v added and subtracted, less that
  // without it; nats.
  double gain_added = 0.0;
  double gain_subtracted = 0.0;
};

// Same pairs, options and threads: same bytes on a CPU. Throws Error{kBadInput}
// for fewer than three pairs, an answer without a token, a layer the model does
// not have or no step, Error{kFailed} naming step and layer when the loss is
// not finite.
PreferenceDirection train_preference_direction(
    const Transformer& model, std::span<const PreferencePair> pairs,
    const PreferenceOptions& options, const Monitor& monitor);

}  // namespace veer
