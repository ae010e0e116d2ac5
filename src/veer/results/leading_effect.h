// SPDX-License-Identifier: MIT
//
// Which vector is named first for a goal, from "best" and "groups" of
// sweep.json: one rule for sentences, tables and baselines. No torch here.
#pragma once

#include <string>
#include <vector>

#include "veer/base/json.h"

namespace veer {

// The entries of a goal that a reader is shown, the leading one first: plain
// additions ("linear" of `groups`) where there are any, for what other
// operators do is no effect of a direction, otherwise `best`. Only such as hold
// a confirmed cell. In order: those that work, then those that random vectors
// do not reach, then those beside which some were run; among them by what they
// did on the select questions, at a tie as choice_rank.h says. The largest
// effect on test would be chosen on the questions that report it.
std::vector<const Json*> ranked_effects(const Json& best, const Json& groups,
                                        const std::string& goal);

// The place of an entry among the others when they are ordered by their effect
// on the test questions, 1 = largest; beyond random vectors where all have
// that.
struct TestRank {
  std::size_t rank = 0;
  std::size_t of = 0;
};
TestRank rank_on_test(const std::vector<const Json*>& ranked,
                      const Json& entry);

// "1st of 6", for a sentence.
std::string rank_text(const TestRank& rank);

// Whether an entry's operator adds or subtracts the vector and nothing else.
bool is_plain_addition(const Json& entry);

}  // namespace veer
