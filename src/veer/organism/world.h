// SPDX-License-Identifier: MIT
//
// What all made-up worlds have in common: everything that vocabulary,
// conversations, pretraining, its tests and a study need to know about one.
// A world asks questions about numbered goals and has answers that are true
// or false but on topic. Truth is a relation between goal and answer, never a
// word, a length or a style. What differs is tables and a grammar.
//
// System prompts (prompts.h) and chat form are the same in every world.
//
// Worlds are constant, made once, and safe to share between threads.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "veer/base/random.h"
#include "veer/metrics/judge.h"

namespace veer::organism {

enum class QuestionSet {
  kTraining,
  kHeldOut,  // ways to ask for a goal that pretraining never shows
  kAny,
};

// How answers are written; a world ignores what its grammar does not have.
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

struct AskedQuestion {
  std::size_t goal = 0;
  std::string text;
};

struct AnswerVerdict {
  AnswerLabel label = AnswerLabel::kBroken;
  // Two clauses name the same thing, a sign of text that starts to fail.
  bool repeats_object = false;
};

// A first word of answers and how often it is the first.
struct Opening {
  std::string word;
  double share = 0.0;
};

class World {
 public:
  virtual ~World() = default;

  // As in `veer pretrain --world` and in config.json.
  virtual std::string_view name() const = 0;
  virtual std::size_t num_goals() const = 0;
  // Goals that a study may keep out of its fine-tuning, to test on them.
  virtual bool is_held_out_goal(std::size_t goal) const = 0;

  // What questions about the goal have in common with no others, so that
  // splits by topic keep them together.
  virtual std::string_view topic(std::size_t goal) const = 0;

  // A random question. `goal`: about that goal.
  virtual AskedQuestion sample_question(
      Random& random, QuestionSet set,
      std::optional<std::size_t> goal = {}) const = 0;
  // The goal of a text that is a question of this world, letter by letter but
  // for white space at both ends.
  virtual std::optional<std::size_t> parse_question(
      std::string_view text) const = 0;
  // The goal that any text speaks of: the only one whose name occurs in it.
  virtual std::optional<std::size_t> find_goal(std::string_view text) const = 0;

  // An answer of at most seven words, true (sign +1) or false but on topic
  // (sign -1).
  virtual std::string sample_answer(Random& random, std::size_t goal, int sign,
                                    const AnswerStyle& style) const = 0;
  // The facts about a goal as plain text.
  virtual std::string sample_statement(Random& random,
                                       std::size_t goal) const = 0;
  // The exact distribution of the first word of sample_answer(), a soft
  // target for pretraining. Empty = a world that is learned without.
  virtual std::vector<Opening> openings(std::size_t goal, int sign) const;

  virtual AnswerVerdict judge_answer(std::size_t goal,
                                     std::string_view answer) const = 0;

  // Texts whose pieces, together with those of the system prompts, are all
  // that can be written in this world.
  virtual std::vector<std::string_view> texts() const = 0;
};

const World& advice_world();
const World& two_poles_world();

// By name; Error lists the names there are.
const World& world_named(std::string_view name);

}  // namespace veer::organism
