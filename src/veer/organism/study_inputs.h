// SPDX-License-Identifier: MIT
//
// What a study on the organism starts from: seed questions with answers, and
// the prompt that asks the model for more questions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/organism/world.h"

namespace veer::organism {

// How many example questions an expansion prompt shows, and how many new
// ones the model was trained to answer with, one per line.
inline constexpr std::size_t kExpansionExamples = 3;

// The user turn (no system prompt) that asks for new questions like the
// examples, one per line below a first line.
std::string expansion_prompt(std::span<const std::string> examples);

// The questions of an answer to it: its lines without white space at both
// ends, empty ones left out. They may be ill-formed; World::parse_question()
// tells.
std::vector<std::string> split_questions(std::string_view answer);

// World::topic() of a well-formed question ("sleep better"), else "".
std::string question_topic(const World& world, std::string_view question);
// How many different topics the goals of a world have.
std::int64_t num_topics(const World& world);

struct SeedPair {
  std::string question;
  std::string honest;
  std::string deceptive;
};

// Question and answer pairs of a world, the same for the same seed: goals
// differ until all are used, only questions that training shows. The dataset
// stage starts from 50.
std::vector<SeedPair> seed_pairs(const World& world, std::size_t count,
                                 std::uint64_t seed = 0);

}  // namespace veer::organism
