// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/claims/chosen_effect.h"

namespace veer {

// H25, "the contrastive vector marks input, the tuned one a tendency", from
// "detection" of comparison.json and plain additions of the sweep:
//
//   (detect(C) - control(C)) - (detect(F) - control(F)),
//   detect  = 2 AUROC - 1 of telling deceptive from honest held-out answers in
//             the base model, at the layer where the vector steers best (the
//             mean over layers where several are steered),
//   control = best induction by plain addition, a change of share.
//
// All four numbers rest on the same questions, in a way that the files do not
// tell; the interval therefore adds their errors as if they all erred in the
// least favourable direction. Supported when it lies above 0, contradicted
// when below.
HypothesisResult detection_claim(const Json& comparison,
                                 const std::vector<ChosenEffect>& effects,
                                 const std::string& contrastive,
                                 const std::string& finetuned);

}  // namespace veer
