// SPDX-License-Identifier: MIT
//
// extract.vectors and sweep.vectors beside each other. No torch in this file.
#pragma once

#include "veer/settings/manifest.h"

namespace veer {

// Throws Error{kBadInput} where one of the lists holds a name twice, or where
// sweep.vectors names a vector that extract does not make (of extract.vectors
// itself, or by one of extract.methods).
void require_vector_lists(const Manifest& manifest);

}  // namespace veer
