// SPDX-License-Identifier: MIT
//
// What is subtracted from what. A cell is a model (base, tuned, or tuned by the
// same recipe on honest answers), a prompt
// (none, one of several system prompts, another frame around the question)
// and a teacher-forced answer (none, honest, deceptive, ...). A contrast is a
// signed sum of cells; the table of contrasts is data, so a new one is a line.
#pragma once

#include <compare>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/capture/token_position.h"
#include "veer/model/residual.h"

namespace veer {

enum class CellModel { kBase, kTuned, kTunedHonest };
enum class CellSystem {
  kNone,
  kHonest,
  kDeceptive,
  kNeutral,  // two system prompts that say nothing about honesty
  kNeutral2,
  kBrief,  // asks for few words
  kVerbose,
  kFramed,  // no system prompt, "Question: ... Answer:" around the question
};
enum class CellAnswer {
  kNone,
  kHonest,
  kDeceptive,
  kOwn,        // what the tuned model answers
  kSecond,     // another honest answer
  kLong,       // both honest answers, one after the other
  kRefusal,    // declines to answer
  kUnrelated,  // another question and its answer, nothing of the domain
};

struct Cell {
  CellModel model = CellModel::kBase;
  CellSystem system = CellSystem::kNone;
  CellAnswer answer = CellAnswer::kNone;

  auto operator<=>(const Cell&) const = default;
  // "base/none/deceptive".
  std::string name() const;
};

struct ContrastTerm {
  Cell cell;
  double weight = 1.0;
};

struct Contrast {
  std::string name;
  std::vector<ContrastTerm> terms;  // weights sum to 0
  std::string sign;                 // "honest -> deceptive"
  std::string help;
};

// All contrasts by name:
//   contrastive            deceptive - honest system prompt, same answers
//   contrastive_free       the same, each side with its own kind of answer
//   finetuned              tuned - base on identical texts (effect m)
//   finetuned_honest, finetuned_deceptive    on one kind of answer (mh, md)
//   finetuned_own          on the tuned model's own answers
//   content                deceptive - honest answers, both models (effect c)
//   content_base, within_ft                  in one model (cB, cF)
//   interaction            within_ft - content_base (effect x)
//   domain                 finetuned on unrelated texts: what training changed
//                          everywhere
//   finetuned_specific     finetuned - domain
//   twin                   tuned on deceptive - tuned on honest answers, on
//                          identical texts (twin_vector.h makes it)
//   confound_*             length, refusal, verbosity, system, format,
//                          paraphrase: differences that are not the trait
std::span<const Contrast> contrasts();
// Throws Error that lists the names.
const Contrast& find_contrast(std::string_view name);

// The confound contrasts among them.
std::vector<std::string> confound_names();

// The contrast as it is at a position inside the prompt, where answers cannot
// act: answers dropped, equal cells merged, cancelled terms removed.
// Elsewhere unchanged. Throws Error if nothing is left ("zero by
// construction") or if an answer position meets a cell without answer.
std::vector<ContrastTerm> contrast_at(const Contrast& contrast,
                                      TokenPosition position);

// Its positive side against generic text of the same model (unrelated
// texts): what the method mean_centred subtracts.
std::vector<ContrastTerm> against_corpus(std::vector<ContrastTerm> terms);

// What to make: CONTRAST[:METHOD]@POSITION[@POINT], for example
// "contrastive@prompt_end", "content:pca_diff@answer_mean@mlp_out". Two
// presets fix contrast and position: "original_contrastive" (own answers under
// the two system prompts, literal last token) and "original_finetuned"
// (question only, prompt end).
struct VectorSpec {
  std::string name;  // as given
  std::string contrast;
  std::string method = "mean_diff";
  TokenPosition position;
  ResidualPoint point = ResidualPoint::kResidPost;
};
VectorSpec parse_vector_spec(std::string_view text);

}  // namespace veer
