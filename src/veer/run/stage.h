// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "veer/base/progress.h"
#include "veer/run/run_store.h"

namespace veer {

// What a stage leaves behind besides its files.
struct StageResult {
  std::string summary;  // one line: "812 questions kept of 1,004"
  std::string detail;   // JSON object, empty = none
};

// A stage: what it is made from, and how.
struct Stage {
  std::string name;
  // Everything that decides about the result: settings and the fingerprints
  // of what is read. Hashed in canonical form.
  std::string made_from;  // JSON object
  // Whether the files that a finished stage leaves are still there.
  std::function<bool()> is_present;
  std::function<StageResult()> run;
  // Removes what a run of other settings left half done; may be empty.
  std::function<void()> clear = {};
  // Whether a run that did not end left files that a run of other settings
  // would throw away. Drafts in the store count besides; empty = no files.
  std::function<bool()> has_partial = {};
  // Its drafts are named after what they were asked for, so that a run of
  // other settings takes those that it would make again, and loses none.
  bool keeps_drafts = false;
  // Documents, relative to the run folder, that the report and others read as
  // they lie there: their hashes are kept, so that an edited one is noticed.
  std::vector<std::string> documents = {};
};

struct StageOutcome {
  std::string name;
  std::string summary;
  double seconds = 0.0;  // of all calls that made it
  bool reused = false;
  bool continued = false;
  std::string fingerprint = {};  // of what it was made from
};

// Runs a stage unless a finished one of the same fingerprint is there; a half
// done one of the same fingerprint is continued. One of another fingerprint
// is refused (Error{kBadInput}) unless `redo`, or unless it ended early and
// left nothing that would be lost. So is a finished one whose documents are not
// as it wrote them; with `redo` it is run again. Time is booked even when the
// stage throws.
StageOutcome run_stage(RunStore& store, const Stage& stage, bool redo,
                       const Monitor& monitor);

std::string stage_fingerprint(const Stage& stage);

// Whether a folder is there and holds a file, at any depth.
bool has_files(const std::filesystem::path& folder);

}  // namespace veer
