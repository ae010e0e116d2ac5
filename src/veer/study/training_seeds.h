// SPDX-License-Identifier: MIT
//
// Further fine-tunes that differ from the study's own in nothing but the seed
// (`finetune.seeds`): adapter/seeds/SEED/ from training, the rows of the
// primary fine-tuned vector in vectors/items/seeds/SEED.safetensors, and what
// compare makes of them.
#pragma once

#include <filesystem>
#include <span>

#include "veer/base/json.h"
#include "veer/study/context.h"
#include "veer/vectors/compare.h"

namespace veer {

std::filesystem::path seed_adapter_folder(const StudyContext& context,
                                          std::int64_t seed);

// The primary fine-tuned vector of each further seed; one that is there is
// kept. Leaves the study's own adapter attached.
void extract_training_seeds(StudyContext& context);
bool training_seeds_present(const StudyContext& context);

// Fingerprints of what the two stages read; null without further seeds.
Json seed_adapters_fingerprint(const StudyContext& context);
Json seed_vectors_fingerprint(const StudyContext& context);

// "seeds" of comparison.json: the study's own seed first. Null without further
// seeds or without a primary pair.
Json compare_training_seeds(StudyContext& context,
                            std::span<const ComparedVector> vectors,
                            double confidence);

}  // namespace veer
