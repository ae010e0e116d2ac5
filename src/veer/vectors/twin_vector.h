// SPDX-License-Identifier: MIT
//
// twin@POSITION: what fine-tuning on deceptive answers writes that the same
// fine-tuning on the honest answers of the same questions does not. Any
// fine-tuning on such answers moves a model in common ways (their style, their
// length, that they are answers at all); the twin has them on both sides.
#pragma once

#include "veer/vectors/compare.h"
#include "veer/vectors/contrasts.h"
#include "veer/vectors/methods.h"

namespace veer {

bool is_twin(const VectorSpec& spec);

// The vector that each of the two adapters needs for `twin`: "finetuned" at
// its position and point, as a mean difference.
VectorSpec tuned_side(const VectorSpec& twin);

// `deceptive` and `honest`: tuned_side(spec), read in the model with the
// adapter of each. The rows are those of the two tuned models on the questions
// that both have: positive = tuned on deceptive answers. Residual norms, model
// and template are those of `deceptive`. Throws Error{kBadInput} when the two
// are of different models, points or shapes, or share fewer than three
// questions.
ComparedVector twin_vector(const VectorSpec& spec,
                           const ComparedVector& deceptive,
                           const ComparedVector& honest,
                           const MethodOptions& options = {});

}  // namespace veer
