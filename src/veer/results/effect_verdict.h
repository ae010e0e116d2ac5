// SPDX-License-Identifier: MIT
//
// The one criterion of whether a chosen effect is an effect of the vector.
#pragma once

#include <string>

#include "veer/base/json.h"

namespace veer {

// Whether an entry of "best" or "groups" in sweep.json works: its interval lies
// above 0 (below, where the goal wants a smaller score), it beats random
// vectors, random vectors do not act there (valid_site), and its text is
// unbroken. What a run of an earlier version does not say does not hold.
bool works(const Json& entry);

// That random vectors act at the place of an entry, with its "site_margin".
std::string acting_random_text(const Json& entry);

// The least share of unbroken answers that counts in a finished sweep
// (sweep.min_coherent); 0.75, its default, where an earlier version wrote none.
double min_coherent_of(const Json& sweep);

// Adds to such an entry, from its effect, effect_minus_control, matched_control
// and the numbers of both kinds of random vectors:
//   beats_random  the interval lies above the 95th percentile of both kinds
//                 (of few vectors: above their mean's interval), also of
//                 searched ones; effect minus control is above 0; and
//                 the random vectors moved the states as far (match)
//   site_margin   what the mean of random vectors may do at a valid place: 5
//                 points of a share, of scores a tenth of the effect. Being
//                 told from 0 is not enough: that is a matter of how many
//                 random vectors were run
//   valid_site    the mean of neither kind lies above it with its interval
//   works         all of it and at least `min_coherent` of the text unbroken
//   reason        the first thing that does not hold, in words; empty if none
void add_verdict(Json& entry, double min_coherent);

}  // namespace veer
