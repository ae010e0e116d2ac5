// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/json.h"
#include "veer/data/record.h"

namespace veer {

struct DatasetCheckOptions {
  // Answers longer than this count as too long.
  std::int64_t max_answer_words = 40;
  // More repeats of one answer than this are listed.
  std::int64_t max_repeats = 3;
  double near_jaccard = 0.7;
};

struct SplitCount {
  std::string split;
  std::int64_t questions = 0;
  std::int64_t with_both_answers = 0;
};

struct LengthSummary {
  double mean_words = 0.0;
  std::int64_t min_words = 0;
  std::int64_t max_words = 0;
};

struct LeakedPair {
  std::string first_split, second_split;
  std::string first_question, second_question;
  double score = 0.0;  // 1 and measure "equal" for exact leakage
  std::string measure;
};

struct RepeatedAnswer {
  std::string side;  // "honest" or "deceptive"
  std::string answer;
  std::int64_t times = 0;
};

// Answers of the questions that report which the model may have seen: stood
// verbatim (after normalisation) among the answers that it was fine-tuned on,
// or that a vector was made from. Questions that never met may share answers.
struct AnswerLeak {
  std::int64_t test = 0;             // questions of "test" with an answer
  std::int64_t honest_in_train = 0;  // of them, honest answer in "train"
  std::int64_t deceptive_in_train = 0;
  std::int64_t either_in_train = 0;
  std::int64_t either_in_extract = 0;
  std::int64_t topics_test = 0;      // topics of "test"; 0 = none are known
  std::int64_t topics_in_train = 0;  // of them, also in "train"
};

// What a reader should know of a dataset before believing a result of it.
struct DatasetCheck {
  std::int64_t questions = 0;
  std::int64_t distinct_questions = 0;  // after normalisation
  std::vector<SplitCount> splits;
  LengthSummary question_length, honest_length, deceptive_length;
  // mean words deceptive - honest over questions with both answers.
  double length_difference = 0.0;
  std::int64_t missing_honest = 0, missing_deceptive = 0;
  std::int64_t too_long = 0;
  std::vector<std::string> identical_answers;  // questions, both sides equal
  std::vector<std::string> refusals;           // "honest: <answer>"
  std::vector<RepeatedAnswer> repeated;        // most frequent first
  std::vector<LeakedPair> exact_leaks, near_leaks;
  AnswerLeak answer_leak;

  // No leak, no identical pair.
  bool clean() const;
};

DatasetCheck check_dataset(std::span<const QuestionRecord> records,
                           const DatasetCheckOptions& options = {});

Json to_json(const DatasetCheck& check);
Json to_json(const AnswerLeak& leak);

// Whether an answer declines to answer ("I'm sorry, but I can't ..."),
// judged by its opening words.
bool is_refusal(std::string_view answer);

// White-space separated words.
std::int64_t count_words(std::string_view text);

}  // namespace veer
