// SPDX-License-Identifier: MIT
//
// One steering vector of one model from one file of answer pairs, without a run
// folder, splits or a tuned model: what `veer vector` is made of. The vector is
// that of extract_vectors(), its numbers are those of compare_vectors().
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "veer/base/json.h"
#include "veer/base/progress.h"
#include "veer/settings/manifest.h"
#include "veer/vectors/compare.h"

namespace veer {

struct OneVectorSettings {
  std::string model;
  std::string template_vars;    // as [model] template_vars
  std::filesystem::path pairs;  // any layout of read_questions()
  // "" = by the position: `content_base` (deceptive minus honest answers, no
  // system prompt) on answer tokens, `contrastive` (deceptive minus honest
  // system prompt) inside the prompt, where answers cannot act.
  std::string contrast;
  std::string method = "mean_diff";
  std::string position = "answer_mean";
  std::string site = "resid_post";
  std::vector<std::string> layers;  // as in extract.layers; empty = all
  std::int64_t max_pairs = 0;       // the first of the file, 0 = all
  DatasetSettings reading;  // side, choices, columns, skip_bad_rows of the file
  // Of the contrasts that have system prompts.
  std::string honest_prompt = DatasetSettings{}.honest_prompt;
  std::string deceptive_prompt = DatasetSettings{}.deceptive_prompt;
  RunSettings machine;  // seed, device, dtype and threads
};

struct OneVector {
  SteeringVector vector;
  // By layer: reliability (Spearman and Brown of random halves), whether the
  // vector exists at all, and how well it tells the sides of a pair apart that
  // it was not made of.
  VectorComparison reading;
  std::int64_t num_rows = 0;       // of the file
  std::int64_t num_pairs = 0;      // behind the vector
  std::vector<std::string> notes;  // what was left out, and why
};

// Throws Error{kBadInput} on a file without at least four pairs of a question
// with both answers, on a system prompt that the contrast does not have, and as
// the two functions above do.
OneVector make_one_vector(const OneVectorSettings& settings,
                          const Monitor& monitor);

// Name, counts, notes and all layers; the AUROC with its 95 % interval.
Json one_vector_json(const OneVector& made);

// The same for people: what was subtracted from what, a table of at most 12
// layers, and the layer whose direction is told best.
std::string one_vector_text(const OneVector& made);

}  // namespace veer
