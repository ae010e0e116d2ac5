// SPDX-License-Identifier: MIT
//
// A judge behind an OpenAI-compatible endpoint. Every reply is kept in a file
// as soon as it is there, so that a run that ends half way goes on where it
// ended and nothing is paid for twice.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "veer/metrics/judge.h"

namespace veer {

struct EndpointOptions {
  std::string url;  // up to and with /v1
  std::string model;
  std::string key_env;  // environment variable with the key; "" = none
  double timeout_seconds = 60.0;
  std::int64_t retries = 5;          // of one request
  double first_wait_seconds = 1.0;   // doubled with every retry
  double requests_per_minute = 0.0;  // 0 = no limit
  std::filesystem::path replies;     // JSON lines
};

// Throws Error on options that no request can be made with: no address, no
// model, no key where one is named.
void check_endpoint(const EndpointOptions& options);

class EndpointJudge : public Judge {
 public:
  // Reads the replies that are there; a half written last line is dropped.
  // Throws Error as check_endpoint does.
  explicit EndpointJudge(EndpointOptions options);

  static std::string name_of(const std::string& model) {
    return "endpoint:" + model;
  }
  std::string name() const override { return name_of(options_.model); }
  // Error{kFailed} when the endpoint does not answer after all retries, or
  // refuses the request; what has been answered is kept. A reply without one
  // of the letters is kUnjudged.
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor& monitor) override;

  // Requests that judging would send now, and their tokens (about four
  // characters each), for a price before anything is sent.
  struct Cost {
    std::int64_t requests = 0;
    std::int64_t tokens = 0;
  };
  Cost cost(std::span<const AnswerToJudge> answers) const;

 private:
  std::string body_of(const std::string& text) const;
  // The reply's text, from the file or from the endpoint.
  std::string reply_to(const std::string& text, const Monitor& monitor);
  std::string ask(const std::string& body, const Monitor& monitor);
  void keep(const std::string& key, const std::string& content);
  void wait(double seconds, const Monitor& monitor) const;

  EndpointOptions options_;
  std::map<std::string, std::string> replies_;  // by hash of the request
  std::chrono::steady_clock::time_point next_{};
  bool half_line_ = false;  // the file of replies ends without a line break
};

// The place in kLetters of the one that a reply names as a word of its own, of
// the first `count`; -1 when it names none or several.
int letter_of(std::string_view reply, std::size_t count);

}  // namespace veer
