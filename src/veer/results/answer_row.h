// SPDX-License-Identifier: MIT
//
// One answer of a sweep, as the table `answers` of run.sqlite holds it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace veer {

// One answer with what the judge said. `question` is the index in the list
// of the cell's split.
struct AnswerRow {
  std::int64_t cell = 0;
  std::int64_t question = 0;
  std::string text;
  std::string reason;
  std::int64_t tokens = 0;
  double log_prob = 0.0;
  std::string label;
  double score = std::numeric_limits<double>::quiet_NaN();
  std::string note;
  // Per token under the unsteered base model, and share of repeated 4-grams;
  // NaN = not measured.
  double nll = std::numeric_limits<double>::quiet_NaN();
  double repetition = std::numeric_limits<double>::quiet_NaN();
};

}  // namespace veer
