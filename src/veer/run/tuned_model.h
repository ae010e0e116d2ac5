// SPDX-License-Identifier: MIT
//
// Whether a study has to have a tuned model: what no vector and no steering
// asks for is not trained.
#pragma once

#include <string>
#include <string_view>

#include "veer/settings/manifest.h"

namespace veer {

// Whether a vector of [extract] is made from the tuned model: from its states,
// its own answers or its adapter.
bool vectors_need_tuned(const ExtractSettings& settings);

// Whether the stages up to `last_stage` need the tuned model: "finetune" does,
// "extract" and "compare" when a vector does, "sweep" and what follows also
// when sweep.models names it.
bool needs_tuned(const Manifest& manifest, std::string_view last_stage);

// `manifest` without what a sweep of the base model alone would ask of a tuned
// one: its states as a ceiling, and the adapter at other strengths.
Manifest without_tuned(Manifest manifest);

// `manifest` without the twin vectors of the default extract.vectors where the
// study has no model tuned on honest answers. Throws Error{kBadInput} where
// another list names one.
Manifest without_twins(Manifest manifest);

// Keys of [finetune] that are set, ask for something and have no effect,
// because the fine-tuned side is ready made; "finetune.controls,
// finetune.steps".
std::string unused_training_keys(const Manifest& manifest);

// `manifest` without those lines of the default sweep.grid that need a
// contrastive and a fine-tuned vector (mixtures of the two, a rotation in their
// plane), where extract.vectors does not name both. Lines that are not of the
// default stay, and fail by themselves.
Manifest without_pair_lines(Manifest manifest);

}  // namespace veer
