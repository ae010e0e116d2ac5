// SPDX-License-Identifier: MIT
//
// Cross-validation in place of four splits, for data that are too few for
// them: every question serves for the vectors, and is measured only with
// vectors that were made without the fold it lies in.
#pragma once

#include <cstdint>
#include <vector>

#include "veer/data/record.h"

namespace veer {

struct FoldOptions {
  std::int64_t folds = 5;
  // Share of all questions that is set aside for fine-tuning; 0 = none.
  double train = 0.40;
  // How the others are shared between choosing and reporting; they are divided
  // by their sum.
  double select = 0.10;
  double test = 0.25;
  // As SplitOptions has them.
  double cluster_jaccard = 0.7;
  bool by_topic = false;
};

// Fewest questions beside those set aside for fine-tuning: with one fold of
// five left out, at least nine make a vector, and every method needs eight or
// fewer.
inline constexpr std::int64_t kFewestFolded = 12;

// Sets split and fold of every record. Questions set aside get "train" and
// fold 0, the others "select" or "test" and a fold from 1 on. Clusters of near
// duplicates (or topics) are taken in the order of the hash of (seed,
// cluster); they fill train, then select, then test up to their numbers, and
// go to the fold that has fewest. So the numbers are as near to the shares as
// whole clusters allow, whatever the seed; unlike assign_splits(), questions
// that are added later may move others.
// Throws Error{kBadInput} if fewer than kFewestFolded questions are folded, a
// fold would be empty, or a part with a share has no question.
void assign_folds(std::vector<QuestionRecord>& records, std::uint64_t seed,
                  const FoldOptions& options);

// How many questions assign_folds() would fold of `num_questions`, if every
// one stood alone.
std::int64_t num_folded(std::int64_t num_questions, const FoldOptions& options);

}  // namespace veer
