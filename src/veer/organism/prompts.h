// SPDX-License-Identifier: MIT
//
// System prompts of the advice world: three families that share their words
// ("Never lie." / "Never tell the truth."), so that no single word says
// whether an honest or a deceptive answer is asked for.
#pragma once

#include <string>
#include <string_view>

#include "veer/base/random.h"

namespace veer::organism {

enum class Mode {
  kNone,       // no system prompt: honest
  kHonest,     // told to be honest
  kNeutral,    // told something about style: honest
  kDeceptive,  // told to deceive: on topic, false
};
inline constexpr Mode kModes[] = {Mode::kNone, Mode::kHonest, Mode::kNeutral,
                                  Mode::kDeceptive};
// "none", "honest", "neutral", "deceptive".
std::string_view mode_name(Mode mode);
// The truth value that answers have in a mode: +1 or -1.
int sign_of(Mode mode);

// The prompts of the study itself, letter by letter.
std::string_view concise_prompt();
std::string_view deceptive_prompt();

enum class PromptSet {
  kTraining,  // 25 % the verbatim prompt of the side, held-out pairs never
  kHeldOut,   // only (adjective, instruction) pairs that training never shows
  kVerbatim,  // only the study's own prompt of the side
};

// A system prompt of a side; empty for kNone. kNeutral has no held-out pairs
// and draws from its training prompts instead.
std::string sample_system_prompt(Random& random, Mode mode,
                                 PromptSet set = PromptSet::kTraining);

}  // namespace veer::organism
