// SPDX-License-Identifier: MIT
//
// claims_registered.json: the claims that a run will decide, with their rules,
// margins and operators, its vectors, its test questions and every setting that
// decides about them, written with the time before a test question is read. The
// file notices that it was edited; it cannot keep anybody from it.
#pragma once

#include <string>

#include "veer/base/json.h"

namespace veer {

class StudyContext;

// What of the test split had been read when claims were registered.
enum class TestRead {
  kNothing,
  kDetection,  // test questions, by extract: which answers vectors tell apart
  kAnswers,    // answers of the sweep
};

// Writes the file, first thing of extract and of the sweep. One that says the
// same and was not edited stays with its time. Any other is kept within the new
// one, which says what had been read by then.
void register_claims(StudyContext& context, TestRead read);

// Whether the run holds answers to test questions.
bool has_test_answers(StudyContext& context);

// What the run registered beside what Veer would register now: {"file", "hash",
// "matches", "edited", "anew", "read", "differs": ["H7", "sweep", "vectors",
// "file"]}; null where nothing was registered. "anew": how many registrations
// came before. Holds no time, so that a repeated run gives the same.
Json registration_status(StudyContext& context);

// claims_registered.json of the run, as it is; null where there is none.
Json registered_file(const StudyContext& context);

// What is registered, without time and hash, from the parts of a manifest.
Json registration_document(const Json& vectors, const Json& settings);
// The file of it: "time", "read", "hash" of what is registered, "earlier" (the
// files that it takes the place of, oldest first) and "seal", the hash of
// everything else. `before` is the file that is there, or null.
Json registration_file(const Json& document, const std::string& time,
                       TestRead read, const Json& before);
// Status of a file beside the document of now; null if the file is null. Of a
// file of an earlier version only those settings count that it holds.
Json compare_registrations(const Json& file, const Json& document);

// "The claims were registered on 2026-11-30 15:20:01 UTC, before a test
// question was answered (hash 3f2a...)."; that it was done anew and after what,
// with both times; what differs since; that nothing was registered.
std::string registration_sentence(const Json& status, const Json& file);

}  // namespace veer
