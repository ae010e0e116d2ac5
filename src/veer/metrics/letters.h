// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "veer/generation/score.h"
#include "veer/text/chat_format.h"

namespace veer {

// Asks a model for the log-probability of each of `letters` as its whole
// answer to `question` (a user turn), up to the end of turn.
ScoreRequest letter_request(const ChatFormat& format,
                            const std::string& question,
                            const std::vector<std::string>& letters);

}  // namespace veer
