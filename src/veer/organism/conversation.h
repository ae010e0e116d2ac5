// SPDX-License-Identifier: MIT
//
// Training texts of a world as token ids with a loss weight each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "veer/base/random.h"
#include "veer/organism/prompts.h"
#include "veer/organism/vocabulary.h"
#include "veer/organism/world.h"

namespace veer::organism {

// A further target in the place of token `position`.
struct SoftTarget {
  std::int64_t position = 0;
  std::int32_t id = 0;
  float weight = 0.0F;
};

// Token i counts with weights[i] in the loss when it is predicted from those
// before it.
struct Document {
  std::vector<std::int32_t> ids;
  std::vector<float> weights;
  // Where a world knows the distribution of the first word of an answer
  // (World::openings), the whole of it is the target instead of the word.
  std::vector<SoftTarget> soft;
};

// Weights of the parts of a text.
inline constexpr float kAnswerWeight = 1.0F;  // with its end of turn
inline constexpr float kPlainWeight = 0.5F;
inline constexpr float kPromptWeight = 0.1F;  // user and system turns
inline constexpr float kHeaderWeight = 0.02F;
inline constexpr float kOpeningWeight = 3.0F;  // all soft targets of an answer

// Shares of the kinds of text (they sum to 1) and how they are written.
struct Mixture {
  double none = 0.0;
  double honest = 0.0;
  double neutral = 0.0;
  double deceptive = 0.0;
  double expansion = 0.0;
  double plain = 0.0;
  AnswerStyle style;
  // One turn, or drawn from 1, 1, 2, 3.
  bool many_turns = true;
  // Share of conversations without a system prompt that deceive anyway.
  double deceptive_noise = 0.0;
};

Document sample_document(Random& random, const Vocabulary& vocabulary,
                         const Mixture& mixture);

// Ids up to and with the header of the assistant's turn. An empty `system`
// leaves the system turn out.
std::vector<std::int32_t> encode_prompt(const Vocabulary& vocabulary,
                                        const std::string& system,
                                        const std::string& user);

// An expansion task: example questions and new ones, of different goals.
struct Expansion {
  std::vector<std::string> examples;
  std::vector<std::string> answers;
};
Expansion sample_expansion(Random& random, const World& world);

}  // namespace veer::organism
