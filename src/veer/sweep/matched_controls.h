// SPDX-License-Identifier: MIT
//
// A chosen cell against random vectors in its place: what they do, whether they
// move the hidden states as far, and what of the effect is beyond them.
#pragma once

#include "veer/base/json.h"
#include "veer/sweep/choice.h"
#include "veer/sweep/results.h"

namespace veer {

// Adds to an entry of "best" or "groups" (which has "effect", "coherent" and
// "measure"): matched_control, effect_minus_control, room, divergence,
// natural_gaps, random_effect, covariance_effect, random_vectors,
// covariance_vectors, control, beats_random, valid_site, works and reason.
// The control of matched_control and effect_minus_control is the kind of random
// vectors whose mean effect is larger; what is taken off is that mean, and
// nothing where it lies against the goal ("subtracted"). The bars of both kinds
// count in beats_random. Measures divergence and displacement of the random
// vectors.
void add_control_numbers(Sweep& sweep, const Best& best,
                         const SweepResults& results, Json& entry);

}  // namespace veer
