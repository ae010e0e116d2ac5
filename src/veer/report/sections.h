// SPDX-License-Identifier: MIT
//
// The blocks of the report, top to bottom. Each is readable alone, takes what
// the run holds and returns its HTML; a block whose stage has not run says so.
#pragma once

#include <cstdint>
#include <string>

#include "veer/report/run_data.h"

namespace veer {

// The verdict in sentences, with model, n and machine.
std::string answer_section(const RunData& run);
// The study's hypotheses, each with decision, effect, interval and n.
std::string claims_section(const RunData& run);
// Do the two directions agree: cosine, null band, reliability, norms.
std::string direction_section(const RunData& run);
// Parts of it: confounds, trajectory, detection, logit lens; tables at
// `layer`. A part that the run does not hold is left out.
std::string vector_readings_blocks(const Json& comparison, const Json& pair,
                                   std::int64_t layer);
// What steering with each does: effect, coherence, maps, breaking points.
std::string steering_section(const RunData& run);
// Real answers: the example table and the browser.
std::string answers_section(const RunData& run);
// The questions: counts, lengths, leakage, what was rejected and why.
std::string data_section(const RunData& run);
// Loss and behaviour by step.
std::string training_section(const RunData& run);
// Settings, fingerprints, versions, seconds, the command that repeats it.
std::string provenance_section(const RunData& run);
// What the page's words mean, from docs/glossary.md.
std::string words_section();

// A paragraph that says which command makes what is missing.
std::string not_run_yet(const std::string& stage);

}  // namespace veer
