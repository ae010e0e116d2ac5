// SPDX-License-Identifier: MIT
//
// How much of a fine-tuned direction is about the answers it was trained on?
// The same recipe on the honest answers of the same questions (the honest twin)
// writes a direction too; what lies along it is what any such fine-tuning
// writes. Formulas and limits: docs/methods/comparison.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/vectors/compare.h"

namespace veer {

struct TwinAtLayer {
  std::int64_t layer = 0;
  // Share of the fine-tuned vector's squared length outside the honest twin's
  // direction, 1 - cos^2, mean over the seeds. Not established where one of the
  // two directions is not, with the reason.
  Measure share_outside;
  // Squared length of the difference of the two over that of the fine-tuned
  // vector, unbiased; may exceed 1. Of the first seed, as what follows.
  std::optional<double> share_twin;
  // What that share is for a random direction with the activations' covariance,
  // on average; none where it cannot be drawn.
  std::optional<double> share_random;
  Measure cosine_honest;  // of the fine-tuned vector and the honest twin's
  // Of the difference and the contrastive vector.
  Measure cosine_contrastive_twin;
};

struct TwinShare {
  std::int64_t seeds = 0;
  std::vector<TwinAtLayer> by_layer;
  // Mean over the layers where it is established at every seed.
  Measure share_outside;
  std::int64_t num_layers = 0;  // how many those are
  // The same mean for random directions (random_share.h), against the honest
  // twin of the first seed.
  Measure share_random;
};

// `finetuned[i]` and `honest[i]`: the same vector of the two fine-tunes of seed
// i, which differ in nothing but the answers. The interval holds the questions,
// and from two seeds on the seeds as well: the half widths of the two are
// joined as Zou and Donner (2008) do, Student's t with the seeds as units.
// `contrastive` may be null. Throws Error{kBadInput} when shapes differ or the
// numbers of vectors do.
TwinShare twin_share(std::span<const ComparedVector> finetuned,
                     std::span<const ComparedVector> honest,
                     const ComparedVector* contrastive, double confidence);

// {"seeds", "by_layer", "share_outside", "share_random", "layers"}, see
// docs/formats/run_folder.md.
Json twin_share_json(const TwinShare& share);

// A control's vector against the study's own at each layer.
struct ControlAtLayer {
  std::int64_t layer = 0;
  Measure finetuned;
  Measure contrastive;
  // Length over that of the fine-tuned vector, both unbiased.
  std::optional<double> norm_ratio;
};

std::vector<ControlAtLayer> control_agreement(const ComparedVector& control,
                                              const ComparedVector& finetuned,
                                              const ComparedVector* contrastive,
                                              double confidence);

Json control_agreement_json(std::span<const ControlAtLayer> layers);

}  // namespace veer
