// SPDX-License-Identifier: MIT
//
// The two-pole world: everyday factors that have two opposite poles ("fall
// asleep" | "stay awake"). Every action is good for the goals of its own pole
// and bad, but on topic, for those of the other:
//
//   truth(action, goal) = +1 own pole, -1 opposite pole, 0 another factor
//
// It is easier to learn than the advice world: no polarity of phrases, one
// action an answer. A plain model of it behaves as asked and is not moved by
// steering vectors, although contrastive and fine-tuned directions agree; it
// is the control organism.
//
//   answer = [prefix] action [suffix]
//
// The judge accepts precisely this (in any letter case, with or without the
// final period) and looks the action up. Functions are pure, tables constant.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "veer/organism/world.h"

namespace veer::organism {

inline constexpr std::size_t kNumFactors = 24;
inline constexpr std::size_t kNumPoles = 2 * kNumFactors;
inline constexpr std::size_t kPhrasesPerPole = 5;
inline constexpr std::size_t kActionsPerPole = 8;

struct Pole {
  // Verb phrases that name the goal, with "my" for "I".
  std::array<std::string_view, kPhrasesPerPole> goals;
  // Imperatives of two to five words.
  std::array<std::string_view, kActionsPerPole> actions;
};

// two_poles_facts.cpp: pole p is opposite to pole p ^ 1. Goal g of the world
// is pole g.
extern const std::array<Pole, kNumPoles> kPoles;

// The pole of an action, none if the text is no action.
std::optional<std::size_t> pole_of_action(std::string_view action);

// The action of an answer in the grammar above.
std::optional<std::string> parse_action(std::string_view answer);

// A question as its parts. The forms and suffixes are the advice world's.
struct PoleQuestion {
  std::size_t pole = 0;
  std::size_t phrase = 0;
  std::size_t form = 0;
  std::size_t suffix = 0;

  bool operator==(const PoleQuestion&) const = default;
};
std::string text_of(const PoleQuestion& question);
std::optional<PoleQuestion> parse_pole_question(std::string_view text);

// Combinations of phrase and form that pretraining never shows:
// (5 pole + phrase + form) mod 6 = 0.
bool is_held_out(const PoleQuestion& question);

}  // namespace veer::organism
