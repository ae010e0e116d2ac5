// SPDX-License-Identifier: MIT
#include "veer/metrics/letters.h"

#include <cmath>

namespace veer {

ScoreRequest letter_request(const ChatFormat& format,
                            const std::string& question,
                            std::span<const std::string_view> letters) {
  ScoreRequest request;
  for (const auto& letter : letters) {
    const std::vector<ChatMessage> chat = {{"user", question},
                                           {"assistant", std::string(letter)}};
    const auto encoded = format.encode(chat);
    const auto begin = encoded.ids.begin();
    request.prompt.assign(begin, begin + encoded.prompt_length);
    request.answers.emplace_back(begin + encoded.prompt_length,
                                 begin + encoded.answer_end);
  }
  return request;
}

std::vector<std::vector<LetterProbabilities>> read_letters(
    const LetterReader& reader,
    std::span<const std::vector<LetterQuestion>> asked,
    const Monitor& monitor) {
  std::vector<ScoreRequest> requests;
  for (const auto& orders : asked) {
    for (const auto& question : orders) {
      requests.push_back(
          letter_request(reader.format, question.text,
                         std::span(kLetters).first(question.options.size())));
    }
  }
  const auto scores =
      score_all(reader.model, nullptr, requests, reader.options, monitor);
  std::vector<std::vector<LetterProbabilities>> said(asked.size());
  std::size_t at = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    for (std::size_t k = 0; k < asked[i].size(); ++k, ++at) {
      auto& letters = said[i].emplace_back();
      for (std::size_t l = 0; l < asked[i][k].options.size(); ++l) {
        letters.push_back(std::exp(scores[at].total(l)));
      }
    }
  }
  return said;
}

}  // namespace veer
