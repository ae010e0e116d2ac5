// SPDX-License-Identifier: MIT
//
// What is left out of a dataset, and how that is said: each reason with its
// count and the key that decides. No torch in this file.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"
#include "veer/base/progress.h"
#include "veer/data/record.h"
#include "veer/metrics/judge.h"
#include "veer/settings/dataset_settings.h"

namespace veer {

// A question that is not used, with the reason and the question that it is
// too near to (if that is the reason).
struct RejectedRecord {
  QuestionRecord record;
  std::string reason;
  std::string twin;
};

// What the steps of the dataset stage pass on.
struct DatasetDraft {
  std::vector<QuestionRecord> records;
  std::vector<RejectedRecord> rejected;
  std::int64_t asked = 0;     // questions that the model wrote or the file held
  std::int64_t seeds = 0;     // questions that it was shown, also in records
  bool given_splits = false;  // the records' splits are the source's
  // What was assumed of the source and left out of it, for the user.
  std::vector<std::string> notes;
  // Questions whose answer of a side came with the source: what the gates for
  // generated answers leave alone.
  std::set<std::string> ready_honest;
  std::set<std::string> ready_deceptive;
};

// Moves the records for which `reason` gives a text to the rejected.
void reject_if(DatasetDraft& draft,
               const std::function<std::string(const QuestionRecord&)>& reason);

// Moves near-duplicates (of earlier records) to the rejected.
void drop_near_duplicates(DatasetDraft& draft, double jaccard);

// Which answers of the records a check looks at.
enum class AnswerSides { kHonest, kDeceptive, kBoth };

// Moves records whose answers fail a gate to the rejected. Of any answer:
// empty_answer, identical_answers (equal after normalisation). Of generated
// ones, and of ready ones with dataset.gate_ready: refusal, too_long (more
// than max_words words), answer_repeated (used more than max_repeats times).
void drop_bad_answers(DatasetDraft& draft, const DatasetSettings& settings,
                      AnswerSides sides = AnswerSides::kBoth);

// Moves records that the judge does not confirm on both sides.
void drop_unconfirmed(DatasetDraft& draft, Judge& judge,
                      const Monitor& monitor);

// "633 pairs with an answer longer than dataset.max_words = 12".
std::string reason_text(std::string_view reason, std::int64_t count,
                        const DatasetSettings& settings);

// What was left out, most frequent first: [{"reason", "count", "text"}].
Json left_out_json(const DatasetDraft& draft, const DatasetSettings& settings);

// The texts of that list in one line, empty when nothing was left out.
std::string left_out_text(const Json& left_out);

// How far the model is with the answers that it is to write.
struct FirstAnswers {
  std::size_t done = 0;
  std::size_t to_write = 0;   // done ones included
  std::size_t questions = 0;  // of the dataset, ready ones included
};

// Throws Error{kFailed} when the gates, if they go on as they began, leave
// out more than half of all questions, unless dataset.keep_going. `after`:
// what they made of the questions that have been answered so far.
void require_most_kept(const FirstAnswers& answered, const DatasetDraft& after,
                       const DatasetSettings& settings);

}  // namespace veer
