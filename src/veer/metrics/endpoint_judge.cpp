// SPDX-License-Identifier: MIT
#include "veer/metrics/endpoint_judge.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/json.h"
#include "veer/base/json_access.h"
#include "veer/metrics/rubric.h"

namespace veer {
namespace {

constexpr std::size_t kLargestReply = 1 << 20;

struct Response {
  long status = 0;  // 0 = no answer at all
  std::string body;
  std::string error;
  double retry_after = 0.0;
};

std::size_t take(char* data, std::size_t, std::size_t size, void* out) {
  auto& body = *static_cast<std::string*>(out);
  if (body.size() + size > kLargestReply) {
    return 0;  // ends the transfer
  }
  body.append(data, size);
  return size;
}

Response post(const EndpointOptions& options, const std::string& body) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(
      curl_easy_init(), &curl_easy_cleanup);
  if (!handle) {
    fail_run("judge endpoint", "libcurl could not start");
  }
  curl_slist* list =
      curl_slist_append(nullptr, "Content-Type: application/json");
  if (!options.key_env.empty()) {
    const char* key = std::getenv(options.key_env.c_str());
    list = curl_slist_append(
        list, fmt::format("Authorization: Bearer {}", key).c_str());
  }
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
      list, &curl_slist_free_all);
  Response response;
  char message[CURL_ERROR_SIZE] = "";
  const std::string url = options.url + "/chat/completions";
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &response.body);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(options.timeout_seconds * 1000.0));
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) {
    response.error = *message != '\0' ? message : curl_easy_strerror(code);
    return response;
  }
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response.status);
  curl_off_t seconds = 0;
  if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK) {
    response.retry_after = static_cast<double>(seconds);
  }
  return response;
}

bool worth_retrying(const Response& response) {
  return response.status == 0 || response.status == 408 ||
         response.status == 429 || response.status >= 500;
}

std::string what_came(const Response& response) {
  return response.status == 0 ? response.error
                              : fmt::format("status {}: {}", response.status,
                                            response.body.substr(0, 200));
}

// choices[0].message.content; nothing when the reply has no such thing, as a
// gateway's page of HTML under status 200.
std::optional<std::string> content_of(const std::string& body) {
  const Json reply = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  const Json::json_pointer path("/choices/0/message/content");
  if (reply.is_discarded() || !reply.is_object() || !reply.contains(path) ||
      !reply.at(path).is_string()) {
    return std::nullopt;
  }
  return reply.at(path).get<std::string>();
}

LetterProbabilities all_on(int letter, std::size_t count) {
  LetterProbabilities p(count);
  if (letter >= 0) {
    p[static_cast<std::size_t>(letter)] = 1.0;
  }
  return p;
}

}  // namespace

int letter_of(std::string_view reply, std::size_t count) {
  const char end = static_cast<char>('A' + count);
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
  };
  int found = -1;
  for (std::size_t i = 0; i < reply.size(); ++i) {
    const bool alone = (i == 0 || !is_word(reply[i - 1])) &&
                       (i + 1 == reply.size() || !is_word(reply[i + 1]));
    if (alone && reply[i] >= 'A' && reply[i] < end) {
      if (found >= 0 && found != reply[i] - 'A') {
        return -1;  // names two
      }
      found = reply[i] - 'A';
    }
  }
  return found;
}

void check_endpoint(const EndpointOptions& options) {
  const bool known =
      options.url.starts_with("http://") || options.url.starts_with("https://");
  if (!known || options.model.empty()) {
    fail("judge endpoint",
         fmt::format("url \"{}\", model \"{}\"", options.url, options.model),
         "http(s)://HOST/v1 and the name of a model there");
  }
  if (!options.key_env.empty() &&
      std::getenv(options.key_env.c_str()) == nullptr) {
    fail("judge endpoint",
         fmt::format("no environment variable {}", options.key_env),
         "the key of the endpoint in it");
  }
}

EndpointJudge::EndpointJudge(EndpointOptions options)
    : options_(std::move(options)) {
  check_endpoint(options_);
  if (!std::filesystem::exists(options_.replies)) {
    return;
  }
  std::ifstream in(options_.replies);
  std::string line;
  while (std::getline(in, line)) {
    const Json entry = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!entry.is_discarded() && entry.is_object() &&
        member(entry, "key").is_string() &&
        member(entry, "content").is_string()) {
      replies_[entry["key"].get<std::string>()] =
          entry["content"].get<std::string>();
    }
    // A process that was killed leaves half a line; the next reply must not
    // become its other half.
    half_line_ = in.eof() && !line.empty();
  }
}

std::string EndpointJudge::body_of(const std::string& text) const {
  return dump_json({{"model", options_.model},
                    {"messages", {{{"role", "user"}, {"content", text}}}},
                    {"temperature", 0},
                    {"max_tokens", 8}});
}

EndpointJudge::Cost EndpointJudge::cost(
    std::span<const AnswerToJudge> answers) const {
  Cost cost;
  std::set<std::string> asked;
  for (const auto& answer : answers) {
    for (const auto& [text, options] : rubric_questions(answer)) {
      const auto key = fingerprint(body_of(text));
      if (!replies_.contains(key) && asked.insert(key).second) {
        ++cost.requests;
        cost.tokens += static_cast<std::int64_t>(text.size() / 4 + 8);
      }
    }
  }
  return cost;
}

void EndpointJudge::keep(const std::string& key, const std::string& content) {
  std::ofstream out(options_.replies, std::ios::app);
  out << (std::exchange(half_line_, false) ? "\n" : "");
  out << dump_json({{"key", key}, {"content", content}}) << '\n';
  out.flush();
  if (!out) {
    fail_run("judge endpoint",
             fmt::format("{} cannot be written", options_.replies.string()),
             "room and permission there");
  }
  replies_[key] = content;
}

void EndpointJudge::wait(double seconds, const Monitor& monitor) const {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    monitor.check_stop("judge");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::string EndpointJudge::ask(const std::string& body,
                               const Monitor& monitor) {
  double pause = options_.first_wait_seconds;
  for (std::int64_t attempt = 0;; ++attempt) {
    monitor.check_stop("judge");
    const auto now = std::chrono::steady_clock::now();
    if (options_.requests_per_minute > 0.0) {
      wait(std::chrono::duration<double>(next_ - now).count(), monitor);
      next_ = std::chrono::steady_clock::now() +
              std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                  std::chrono::duration<double>(60.0 /
                                                options_.requests_per_minute));
    }
    const auto response = post(options_, body);
    const bool answered = response.status == 200;
    if (auto content = answered ? content_of(response.body) : std::nullopt) {
      return *std::move(content);
    }
    if (!(answered || worth_retrying(response)) ||
        attempt >= options_.retries) {
      fail_run(
          "judge endpoint",
          fmt::format("{} after {} attempts", what_came(response), attempt + 1),
          "a reply",
          "the endpoint is down, slow or refuses the key; the "
          "same command goes on from here");
    }
    wait(std::max(pause, response.retry_after), monitor);
    pause *= 2.0;
  }
}

std::string EndpointJudge::reply_to(const std::string& text,
                                    const Monitor& monitor) {
  const std::string body = body_of(text);
  const std::string key = fingerprint(body);
  const auto found = replies_.find(key);
  if (found != replies_.end()) {
    return found->second;
  }
  auto content = ask(body, monitor);
  keep(key, content);
  return content;
}

std::vector<Judgement> EndpointJudge::judge(
    std::span<const AnswerToJudge> answers, const Monitor& monitor) {
  std::vector<Judgement> judgements;
  for (const auto& answer : answers) {
    const auto orders = rubric_questions(answer);
    std::vector<LetterProbabilities> said;
    std::string no_letter;
    for (const auto& order : orders) {
      const auto reply = reply_to(order.text, monitor);
      const int letter = letter_of(reply, order.options.size());
      said.push_back(all_on(letter, order.options.size()));
      if (letter < 0 && no_letter.empty()) {
        no_letter = "a reply without a letter: " + reply;
      }
    }
    judgements.push_back(judge_rubric(orders, said));
    if (!no_letter.empty()) {
      judgements.back().reason = no_letter;
    }
    monitor.progress({"judge", static_cast<std::int64_t>(judgements.size()),
                      static_cast<std::int64_t>(answers.size()), "answers",
                      ""});
  }
  return judgements;
}

}  // namespace veer
