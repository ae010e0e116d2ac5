// SPDX-License-Identifier: MIT
//
// Random controls that move every token as far as the real edit does. The
// control computes the real change d = h' - h at the token, turns the part of d
// in the edit's own directions (rows of Q, orthonormal, spanning what the edit
// writes) into random ones (rows of P) and keeps the length:
//
//   t  = d + (P - Q)' Q d
//   h' = h + t |d| / |t|
//
// What d holds besides (the shrinking of h where the norm is kept) stays. For
// an addition d = a u it is a p: a random vector of the same norm. Refitting an
// operator inside random directions would not do: a map that was fitted to the
// rows along four random axes moves tokens several times less far.
#pragma once

#include <string_view>

#include "veer/interventions/intervention.h"

namespace veer {

// Turns `edit` into its control along the first rows of `random_KD`
// (orthonormal). Throws Error on an edit without directions (a whole patch)
// and on fewer rows than the edit writes; `operation` names it.
void turn_into_control(SiteEdit& edit, const at::Tensor& random_KD,
                       std::string_view operation);

}  // namespace veer
