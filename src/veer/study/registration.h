// SPDX-License-Identifier: MIT
//
// claims_registered.json: the claims that a run will decide, with their rules,
// margins and operators, its vectors and the settings of its sweep, written
// with the time before the sweep reads a test question.
#pragma once

#include <string>

#include "veer/base/json.h"

namespace veer {

class StudyContext;

// Writes the file. One that says the same is kept with its time, and so is any
// once answers were read: what is registered afterwards would be no
// registration.
void register_claims(StudyContext& context);

// What the run registered beside what Veer would register now: {"file", "hash",
// "matches", "differs": ["H7", "settings", "vectors", "file"]}; null where
// nothing was registered. Holds no time, so that a repeated run gives the same.
Json registration_status(StudyContext& context);

// The document without time and hash, from the parts of a manifest.
Json registration_document(const Json& vectors, const Json& settings);
// The same with "hash" of what it says and "time".
Json registration_file(const Json& document, const std::string& time);
// Status of a file beside the document of now; null if the file is null.
Json compare_registrations(const Json& file, const Json& document);

// "Claims were registered on 2026-11-30 15:20:01 UTC, before a test question
// was read (hash 3f2a...)."; what differs since; that nothing was registered.
std::string registration_sentence(const Json& status, const std::string& time);

}  // namespace veer
