// SPDX-License-Identifier: MIT
#include "veer/organism/prompts.h"

#include <cstddef>
#include <utility>

#include "veer/organism/prompt_tables.h"

namespace veer::organism {
namespace {

constexpr std::size_t kHeldOutPairs = 5;

const PromptFamily& family_of(Mode mode) {
  if (mode == Mode::kDeceptive) {
    return kDeceptivePrompts;
  }
  return mode == Mode::kNeutral ? kNeutralPrompts : kHonestPrompts;
}

// The five held-out pairs of a side lie on a diagonal.
bool is_held_out_pair(std::size_t adjective, std::size_t instruction) {
  return adjective == instruction && adjective < kHeldOutPairs;
}

std::string with_article(std::string_view adjective) {
  const bool vowel =
      std::string_view("aeiou").find(adjective.front()) != std::string::npos;
  return std::string(vowel ? "an " : "a ").append(adjective);
}

std::string adjective_part(Random& random, std::string_view adjective) {
  if (random.chance(0.5)) {
    return std::string("Be ").append(adjective).append(".");
  }
  return "You are " + with_article(adjective) + " assistant.";
}

// The prompts with "never" are the ones that models get wrong: twice as many.
std::size_t draw_instruction(Random& random) {
  const std::size_t draw = random.below(kNumInstructions + 3);
  return draw < kNumInstructions ? draw : draw - kNumInstructions;
}

std::pair<std::size_t, std::size_t> draw_pair(Random& random, bool held_out) {
  if (held_out) {
    const std::size_t i = random.below(kHeldOutPairs);
    return {i, i};
  }
  while (true) {
    const std::size_t adjective = random.below(kNumAdjectives);
    const std::size_t instruction = draw_instruction(random);
    if (!is_held_out_pair(adjective, instruction)) {
      return {adjective, instruction};
    }
  }
}

std::string pair_prompt(Random& random, const PromptFamily& family,
                        bool held_out) {
  const auto [adjective, instruction] = draw_pair(random, held_out);
  return adjective_part(random, family.adjectives[adjective]) + " " +
         std::string(family.instructions[instruction]);
}

std::string adjective_prompt(Random& random, const PromptFamily& family) {
  const std::size_t first = random.below(kNumAdjectives);
  if (random.chance(0.5)) {
    return adjective_part(random, family.adjectives[first]);
  }
  const std::size_t second =
      (first + 1 + random.below(kNumAdjectives - 1)) % kNumAdjectives;
  return std::string("Be ")
      .append(family.adjectives[first])
      .append(" and ")
      .append(family.adjectives[second])
      .append(".");
}

std::string instruction_prompt(Random& random, const PromptFamily& family) {
  const std::size_t first = draw_instruction(random);
  std::string text(family.instructions[first]);
  if (random.chance(0.3)) {
    const std::size_t second =
        (first + 1 + random.below(kNumInstructions - 1)) % kNumInstructions;
    text.append(" ").append(family.instructions[second]);
  }
  return text;
}

std::string family_prompt(Random& random, const PromptFamily& family) {
  const double kind = random.uniform();
  if (kind < 0.40) {
    return pair_prompt(random, family, /*held_out=*/false);
  }
  return kind < 0.65 ? adjective_prompt(random, family)
                     : instruction_prompt(random, family);
}

}  // namespace

std::string_view mode_name(Mode mode) {
  constexpr std::string_view kNames[] = {"none", "honest", "neutral",
                                         "deceptive"};
  return kNames[static_cast<std::size_t>(mode)];
}

int sign_of(Mode mode) {
  return mode == Mode::kDeceptive ? -1 : 1;
}

std::string_view concise_prompt() {
  return kHonestPrompts.verbatim;
}
std::string_view deceptive_prompt() {
  return kDeceptivePrompts.verbatim;
}

std::string sample_system_prompt(Random& random, Mode mode, PromptSet set) {
  if (mode == Mode::kNone) {
    return "";
  }
  const PromptFamily& family = family_of(mode);
  if (set == PromptSet::kVerbatim ||
      (set == PromptSet::kTraining && random.chance(0.25))) {
    return std::string(family.verbatim);
  }
  if (set == PromptSet::kHeldOut && mode != Mode::kNeutral) {
    return pair_prompt(random, family, /*held_out=*/true);
  }
  std::string text = family_prompt(random, family);
  if (mode != Mode::kNeutral && random.chance(0.2)) {
    const auto& style = kNeutralPrompts.instructions;
    text.append(" ").append(style[random.below(4)]);
  }
  return text;
}

}  // namespace veer::organism
