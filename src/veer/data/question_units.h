// SPDX-License-Identifier: MIT
//
// Which questions of a dataset are one unit of resampling.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "veer/data/record.h"

namespace veer {

// Fewest units in the questions that make vectors, and in those that report:
// with fewer, an interval over units says next to nothing.
inline constexpr std::int64_t kFewestUnits = 8;

// What the units of a dataset are.
struct UnitChoice {
  std::string kind;  // "topic", "cluster" or "question" (all stand alone)
  std::int64_t questions = 0;
  std::int64_t units = 0;
  std::int64_t largest = 0;        // questions of the largest unit
  std::int64_t generic_pairs = 0;  // pairs of answers that bind no questions
  std::int64_t all_topics = 0;  // where topics are strata: how many there are
  std::int64_t without_topic = 0;  // questions, where others have one
  std::string text;                // for people
};

// Sets `unit` of every record: the topic where the source says topics,
// otherwise the name of a cluster. A cluster joins near-duplicate questions
// (word 3-gram Jaccard from `near_jaccard` on) and questions with the same two
// answers. Not bound by their answers are questions whose pair of answers says
// nothing about them:
//   - both are single letters, numbers, or words such as yes and no,
//   - the pair is used both ways round (a format such as yes/no in any
//     language, where the sides change places),
//   - more than one in twenty questions, and more than ten, have it.
// A question without a topic among others that have one gets the unit of the
// first question with a topic in its cluster, or the cluster itself where none
// has; the text says how many have none.
// Where topics are fewer than kFewestUnits among the questions of "extract" or
// "test" (of all, with folds), clusters take their place, and the text says so.
// So they do where both hold every one of the `all_topics` that there are (0:
// not known): then topics are no sample from more topics but strata, and what
// varies between them is no error (Cochran 1977, 5.3 and 11.4).
UnitChoice assign_units(std::vector<QuestionRecord>& records,
                        double near_jaccard, std::int64_t all_topics = 0);

// The records in an order in which the first questions of each split are of as
// many topics (units, where there are no topics) as there are: the first of
// each, then the second of each, and so on, otherwise as they stand.
std::vector<QuestionRecord> spread_over_units(
    std::vector<QuestionRecord> records);

// The unit of each record: its own id where it has none.
std::vector<std::string> unit_names(const std::vector<QuestionRecord>& records);

}  // namespace veer
