// SPDX-License-Identifier: MIT
//
// A model that answers with a letter: its judgement is the probability that
// it gives to each of them, nothing is sampled.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/generation/score.h"
#include "veer/metrics/letter_question.h"
#include "veer/text/chat/chat_format.h"

namespace veer {

// Asks a model for the log-probability of each of `letters` as its whole
// answer to `question` (a user turn), up to the end of turn.
ScoreRequest letter_request(const ChatFormat& format,
                            const std::string& question,
                            std::span<const std::string_view> letters);

// The model that reads, unsteered and without its adapter. Model and format
// must outlive it.
struct LetterReader {
  const Transformer& model;
  const ChatFormat& format;
  GenerationOptions options;
};

// The probability of each letter in each order of each question: result[i][k]
// belongs to asked[i][k]. Everything is scored in one go.
std::vector<std::vector<LetterProbabilities>> read_letters(
    const LetterReader& reader,
    std::span<const std::vector<LetterQuestion>> asked, const Monitor& monitor);

}  // namespace veer
