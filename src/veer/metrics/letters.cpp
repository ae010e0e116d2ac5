// SPDX-License-Identifier: MIT
#include "veer/metrics/letters.h"

namespace veer {

ScoreRequest letter_request(const ChatFormat& format,
                            const std::string& question,
                            const std::vector<std::string>& letters) {
  ScoreRequest request;
  for (const auto& letter : letters) {
    const std::vector<ChatMessage> chat = {{"user", question},
                                           {"assistant", letter}};
    const auto encoded = format.encode(chat);
    const auto begin = encoded.ids.begin();
    request.prompt.assign(begin, begin + encoded.prompt_length);
    request.answers.emplace_back(begin + encoded.prompt_length,
                                 begin + encoded.answer_end);
  }
  return request;
}

}  // namespace veer
