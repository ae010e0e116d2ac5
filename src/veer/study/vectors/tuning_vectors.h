// SPDX-License-Identifier: MIT
//
// The rows of the fine-tuned vector in every further fine-tune (tunings.h), and
// the twin vectors that come of the honest one: vectors/ and vectors/items/ of
// the run folder, TUNING/VECTOR and the twins' own names.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/run/context.h"
#include "veer/run/tunings.h"
#include "veer/vectors/compare.h"

namespace veer {

// "controls/honest/finetuned@answer_mean".
std::string vector_name_of(const Tuning& tuning, const std::string& vector);

// The vector of each tuning that is trained; one that is there is kept. Of the
// honest control also the sides of the twins. Leaves the study's own adapter
// attached.
void extract_tunings(StudyContext& context);
bool tunings_present(const StudyContext& context);

// Makes and writes the twins of the manifest, in its order. `sides`: the
// study's own vectors "finetuned@P", which are the other side of each.
std::vector<SteeringVector> write_twins(StudyContext& context,
                                        std::span<const ComparedVector> sides);

// Fingerprints of what the two stages read; null without further tunings.
Json tuned_adapters_fingerprint(const StudyContext& context);
Json tuned_vectors_fingerprint(const StudyContext& context);

}  // namespace veer
