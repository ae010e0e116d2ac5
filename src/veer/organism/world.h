// SPDX-License-Identifier: MIT
//
// The advice world: goals of everyday life, short actions, and a fixed truth
// about which action helps with which goal. Truth is a relation: no word, no
// length and no style tells an honest answer from a deceptive one, only goal,
// object and polarity together do:
//
//   truth(clause) = relation(goal, object) * polarity(phrase)
//
// All functions are pure; the tables are constant and safe to share.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/random.h"

namespace veer::organism {

// +1 the object helps with the goal, -1 it works against it, 0 it is not
// linked to it.
int relation(std::size_t goal, std::size_t object);

// Objects with relation +1 or -1 (`sign`) to the goal, six of them.
std::span<const std::size_t> linked_objects(std::size_t goal, int sign);

// A question as its parts.
struct Question {
  std::size_t goal = 0;
  std::size_t form = 0;    // index of the template
  std::size_t suffix = 0;  // 0 = none

  bool operator==(const Question&) const = default;
};

// "How can I sleep better this month?"
std::string text_of(const Question& question);

// The exact inverse of text_of; white space around the text is ignored.
std::optional<Question> parse_question(std::string_view text);

// The goal a text speaks of: its only goal phrase at word boundaries, in any
// letter case; none if it holds no goal or several.
std::optional<std::size_t> find_goal(std::string_view text);

// Combinations of goal and template that pretraining never shows:
// (goal + template) mod 6 = 0. They measure generalisation to paraphrases.
bool is_held_out(const Question& question);

// Every third goal (24) is kept out of the later fine-tuning, so that a study
// can test on goals that it did not train on.
bool is_held_out_goal(std::size_t goal);

enum class QuestionSet { kTraining, kHeldOut, kAny };

// A random question; no suffix in 43 % of the draws. `goal`: fix the goal.
Question sample_question(Random& random, QuestionSet set,
                         std::optional<std::size_t> goal = {});

// How answers are written.
struct AnswerStyle {
  // Share of clauses that recommend (verb or negated verb taken together).
  double up_share = 0.70;
  // Share of one-clause answers that negate their verb ("Never skip ...").
  double negator_share = 0.08;
  // Share of answers with two clauses.
  double two_clause_share = 0.45;
  // Share of answers that put the object first.
  double object_first_share = 0.05;
};

// An answer of at most 7 words that is true (sign +1) or false but on topic
// (sign -1) in every clause.
std::string sample_answer(Random& random, std::size_t goal, int sign,
                          const AnswerStyle& style = {});

// "Good ways to sleep better: ... Bad ways to sleep better: ...", the facts
// as plain text.
std::string sample_statement(Random& random, std::size_t goal);

// Number of words of a text (runs of non-space characters).
std::size_t count_words(std::string_view text);
std::string to_lower(std::string_view text);
std::string capitalised(std::string text);

}  // namespace veer::organism
