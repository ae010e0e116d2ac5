// SPDX-License-Identifier: MIT
//
// What the studies of several models say together: models.json. A verdict of
// one model is one draw; about a method only what holds over models counts.
// Works from the files of their run folders and needs no model.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "veer/base/json.h"
#include "veer/claims/stock_claim.h"

namespace veer {

// The study of one model as it lies in its run folder.
struct ModelResult {
  std::string name;
  std::string path;  // as the manifest names the model
  std::int64_t parameters = 0;
  std::string stock;      // name of the entry that is its stock model
  std::string objective;  // of its fine-tune, empty = supervised
  std::string behaviour;  // of its data, empty = deception
  // Of the fine-tuned vector in domain and confounds; and deceptive answers of
  // the tuned model. None = not measured.
  std::optional<double> imprint;
  std::optional<double> deceptive;
  // Questions that the adapter was trained on; 0 = it came ready made.
  std::int64_t training_questions = 0;
  PromptedAnswers prompted;
  Json summary;     // summary.json
  Json hypotheses;  // hypotheses.json
};

// {"models", "claims", "effects", "cosine", "sentences"}: see
// docs/formats/run_folder.md. A claim over models is
//
//   supported     if the Wilson interval of the share of models that support
//                 it, among those that decide it, lies above one half,
//   contradicted  if it lies below,
//   undecided     otherwise (three models that agree are not enough, four
//                 are).
//
// H11 (size of the model), H13 (size of the training set, over the runs of one
// model), H22 (stock against abliterated), H24 (supervised against other
// objectives) and H26 (another behaviour) are numbers over models from the
// start, and decided by their own rule.
//
// Effects and claims that are numbers also get their mean over models with
// Student's t interval, the spread between models and the error within one
// (vectors/replicates.h).
Json models_document(std::span<const ModelResult> models);

// At most 24 lines for a terminal.
std::string models_text(const Json& document);

}  // namespace veer
