// SPDX-License-Identifier: MIT
//
// hypotheses.json of a run folder.
#pragma once

namespace veer {

class StudyContext;

// Decides the claims (claims/claims.h) from the run's documents and answers and
// writes them; does nothing before compare.
void write_claims(StudyContext& context);

}  // namespace veer
