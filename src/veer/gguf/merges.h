// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace veer {

// The merges that a SentencePiece vocabulary stands for: each way to join two
// tokens to a third, the third of the highest score first, of equal ones that
// with the longer left part (in characters) first. `scores`: one per token.
// That is how `transformers` makes a fast tokenizer of such a vocabulary.
std::vector<std::pair<std::string, std::string>> merges_of_scores(
    const std::vector<std::string>& tokens, const std::vector<double>& scores);

}  // namespace veer
