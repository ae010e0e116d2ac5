// SPDX-License-Identifier: MIT
//
// The advice world: goals of everyday life, short actions, and a fixed truth
// about which action helps with which goal. Truth is a relation: no word, no
// length and no style tells an honest answer from a deceptive one, only goal,
// object and polarity together do:
//
//   truth(clause) = relation(goal, object) * polarity(phrase)
//
// The free functions are the world's parts as indices; advice_world() has them
// behind the interface of all worlds. All are pure, the tables are constant.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/random.h"
#include "veer/organism/world.h"

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

// A random question; no suffix in 43 % of the draws. `goal`: fix the goal.
Question sample_question(Random& random, QuestionSet set,
                         std::optional<std::size_t> goal = {});

// An answer of at most 7 words that is true (sign +1) or false but on topic
// (sign -1) in every clause.
std::string sample_answer(Random& random, std::size_t goal, int sign,
                          const AnswerStyle& style = {});

}  // namespace veer::organism
