// SPDX-License-Identifier: MIT
//
// A chosen cell against random vectors in its place: what they do, whether they
// move the hidden states as far, and what of the effect is beyond them.
#pragma once

#include "veer/base/json.h"
#include "veer/study/sweep_choice.h"
#include "veer/study/sweep_results.h"

namespace veer {

// Adds to an entry of "best" or "groups" (which has "effect", "coherent" and
// "measure"): matched_control, effect_minus_control, room, divergence,
// natural_gaps, random_effect, covariance_effect, random_vectors,
// covariance_vectors, control, beats_random, valid_site, works and reason.
// Measures divergence and displacement of the random vectors.
void add_control_numbers(Sweep& sweep, const Best& best,
                         const SweepResults& results, Json& entry);

}  // namespace veer
