// SPDX-License-Identifier: MIT
//
// A judge behind an OpenAI-compatible endpoint. Every reply is kept in a file
// as soon as it is there, so that a run that ends half way goes on where it
// ended and nothing is paid for twice.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "veer/metrics/chat_endpoint.h"
#include "veer/metrics/judge.h"

namespace veer {

class EndpointJudge : public Judge {
 public:
  // Reads the replies that are there (JSON lines); a half written last line is
  // dropped. Throws Error as check_endpoint does.
  EndpointJudge(EndpointOptions options, std::filesystem::path replies);

  // "endpoint:MODEL", with temperature and extra body where they are not the
  // defaults: what it says differs with them, so that it is another judge.
  static std::string name_of(const EndpointOptions& options);
  std::string name() const override { return name_of(endpoint_.options()); }
  // Error{kFailed} when the endpoint does not answer after all retries, or
  // refuses the request; what has been answered is kept. A reply without one
  // of the letters is kUnjudged, and one that ended in its thoughts, which is
  // not kept: another limit may let it end.
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor& monitor) override;

  // Requests that judging would send now, and their tokens (about four
  // characters each, and all that a reply may have), for a price before
  // anything is sent.
  struct Cost {
    std::int64_t requests = 0;
    std::int64_t tokens = 0;
  };
  Cost cost(std::span<const AnswerToJudge> answers) const;
  // Tokens that a reply may have, which a model that thinks raises.
  std::int64_t token_limit() const { return endpoint_.token_limit(); }

 private:
  std::string key_of(const std::string& prompt) const;
  // Prompts about the answers whose reply is not there, each once, in order.
  std::vector<std::string> missing(
      std::span<const AnswerToJudge> answers) const;
  void keep(const std::string& prompt, const EndpointReply& reply);

  ChatEndpoint endpoint_;
  std::filesystem::path file_;
  std::map<std::string, std::string> replies_;  // by hash of the request
  bool half_line_ = false;  // the file of replies ends without a line break
};

}  // namespace veer
