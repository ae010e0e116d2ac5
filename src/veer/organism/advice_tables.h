// SPDX-License-Identifier: MIT
//
// The words of the advice world as plain tables. Everything that the
// generator can write, and all that the judge accepts, is built from them.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace veer::organism {

inline constexpr std::size_t kNumGoals = 72;
inline constexpr std::size_t kNumObjects = 68;
inline constexpr std::size_t kLinksPerSide = 6;

// What helps with a goal and what works against it, as names of objects.
struct GoalFacts {
  std::string_view goal;  // "sleep better": a verb phrase with "my" for "I"
  std::array<std::string_view, kLinksPerSide> helps;
  std::array<std::string_view, kLinksPerSide> harms;
};

// A way to recommend something (polarity +1) or to advise against it (-1),
// in lower case.
struct VerbPhrase {
  std::string_view text;
  int polarity;
};

// advice_facts.cpp
extern const std::array<std::string_view, kNumObjects> kObjects;
extern const std::array<GoalFacts, kNumGoals> kGoals;

// advice_phrases.cpp
inline constexpr std::size_t kNumVerbs = 16;
extern const std::array<VerbPhrase, kNumVerbs> kVerbs;
extern const std::array<std::string_view, 2> kNegators;
extern const std::array<std::string_view, 5> kPrefixes;
extern const std::array<std::string_view, 6> kAdverbs;
// What follows an object that stands first ("warm milk will help a lot"):
// polarity +1 says that it is good, -1 that it is bad.
extern const std::array<VerbPhrase, 6> kTails;

}  // namespace veer::organism
