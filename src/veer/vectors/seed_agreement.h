// SPDX-License-Identifier: MIT
//
// One fine-tune is one draw. How much do fine-tunes that differ in nothing but
// their seed agree, and how much does a contrast's agreement with them vary?
// Meaning and limits: docs/methods/comparison.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "veer/base/json.h"
#include "veer/vectors/compare.h"
#include "veer/vectors/replicates.h"

namespace veer {

struct SeedAgreementAtLayer {
  std::int64_t layer = 0;
  // Cross-item cosines of all established pairs of seeds: how many, their
  // mean, smallest and largest. No contrast can be expected to agree more
  // with a fine-tune than another fine-tune does.
  std::int64_t num_pairs = 0;
  std::optional<double> between;
  std::optional<double> between_low;
  std::optional<double> between_high;
  // Cross-item cosines of the contrast with each seed where established.
  Replicates with_contrast;
};

// `seeds`: the same fine-tuned vector of each training seed. Throws
// Error{kBadInput} when layers or widths differ.
std::vector<SeedAgreementAtLayer> seed_agreement(
    const ComparedVector& contrast, std::span<const ComparedVector> seeds,
    double confidence);

Json seed_agreement_json(std::span<const SeedAgreementAtLayer> layers);

}  // namespace veer
