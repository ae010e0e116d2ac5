// SPDX-License-Identifier: MIT
//
// Whether answers still are text, told without a judge: by how unlike they are
// to texts that are known to be sound.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "veer/metrics/coherence.h"
#include "veer/run/context.h"

namespace veer {

// A prompt and what was said to it, without the end of turn.
struct MeasuredText {
  std::vector<std::int32_t> prompt;
  std::vector<std::int32_t> answer;
};

// Whether the answer ended because its numbers were not finite.
bool is_not_finite(const AnswerRow& row);

// Sets `nll`, per token under the unsteered base model (NaN of an empty
// answer), and `repetition` of rows[i] from texts[i].
void measure_coherence(StudyContext& context,
                       std::span<const MeasuredText> texts,
                       std::vector<AnswerRow>& rows);

// The questions' own answers of both sides, as a cell would hold them.
std::vector<AnswerRow> reference_rows(StudyContext& context,
                                      std::span<const QuestionRecord> records);

// Sound texts, and which other text lies outside of them. The base model is
// surprised by what it would not say, true or not: beside its own answers
// alone, what steering is meant to bring about looks broken (figures:
// docs/methods/metrics.md). Therefore the answers of all unsteered models
// count, and the references of both sides.
class SoundText {
 public:
  // `unsteered`: answers to the select questions, by model. With fewer than
  // eight texts in all the limits stay as wide as CoherenceLimits are.
  SoundText(const std::map<std::string, std::vector<AnswerRow>>& unsteered,
            std::span<const AnswerRow> references);

  // Whether the text lies outside, does not end where the answers of that
  // model mostly do, or ended because its numbers were not finite.
  bool is_flagged(const std::string& model, const AnswerRow& row) const;

 private:
  CoherenceLimits limits_;
  std::map<std::string, bool> mostly_ends_;  // by model
};

}  // namespace veer
