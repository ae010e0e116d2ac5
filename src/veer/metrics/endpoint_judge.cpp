// SPDX-License-Identifier: MIT
#include "veer/metrics/endpoint_judge.h"

#include <fstream>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/base/json.h"
#include "veer/base/json_access.h"
#include "veer/metrics/letter_reply.h"
#include "veer/metrics/rubric.h"

namespace veer {
namespace {

// Of a reply in the reason of a judgement, in bytes.
constexpr std::size_t kLongestReason = 200;

LetterProbabilities all_on(int letter, std::size_t count) {
  LetterProbabilities p(count);
  if (letter >= 0) {
    p[static_cast<std::size_t>(letter)] = 1.0;
  }
  return p;
}

}  // namespace

EndpointJudge::EndpointJudge(EndpointOptions options,
                             std::filesystem::path replies)
    : endpoint_(std::move(options)), file_(std::move(replies)) {
  if (!std::filesystem::exists(file_)) {
    return;
  }
  std::ifstream in(file_);
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

std::string EndpointJudge::name_of(const EndpointOptions& options) {
  std::string name = "endpoint:" + options.model;
  if (options.temperature != 0.0) {
    name += fmt::format(" temperature {}", options.temperature);
  }
  if (!options.extra_body.empty()) {
    name += " " + options.extra_body;
  }
  return name;
}

std::string EndpointJudge::key_of(const std::string& prompt) const {
  return fingerprint(endpoint_question(endpoint_.options(), prompt));
}

std::vector<std::string> EndpointJudge::missing(
    std::span<const AnswerToJudge> answers) const {
  std::vector<std::string> prompts;
  std::set<std::string> asked;
  for (const auto& answer : answers) {
    for (const auto& [prompt, options] : rubric_questions(answer)) {
      if (!replies_.contains(key_of(prompt)) && asked.insert(prompt).second) {
        prompts.push_back(prompt);
      }
    }
  }
  return prompts;
}

EndpointJudge::Cost EndpointJudge::cost(
    std::span<const AnswerToJudge> answers) const {
  Cost cost;
  for (const auto& prompt : missing(answers)) {
    ++cost.requests;
    cost.tokens +=
        static_cast<std::int64_t>(prompt.size() / 4) + endpoint_.token_limit();
  }
  return cost;
}

void EndpointJudge::keep(const std::string& prompt,
                         const EndpointReply& reply) {
  const auto key = key_of(prompt);
  replies_[key] = reply.text;
  if (reply.is_cut) {
    return;
  }
  std::ofstream out(file_, std::ios::app);
  out << (std::exchange(half_line_, false) ? "\n" : "");
  out << dump_json({{"key", key}, {"content", reply.text}}) << '\n';
  out.flush();
  if (!out) {
    fail_run("judge endpoint",
             fmt::format("{} cannot be written", file_.string()),
             "room and permission there");
  }
}

std::vector<Judgement> EndpointJudge::judge(
    std::span<const AnswerToJudge> answers, const Monitor& monitor) {
  const auto prompts = missing(answers);
  endpoint_.ask(
      prompts,
      [&](std::size_t i, const EndpointReply& reply) {
        keep(prompts[i], reply);
      },
      monitor);
  std::vector<Judgement> judgements;
  for (const auto& answer : answers) {
    const auto orders = rubric_questions(answer);
    std::vector<LetterProbabilities> said;
    std::string no_letter;
    for (const auto& order : orders) {
      const auto& reply = replies_.at(key_of(order.text));
      const int letter = letter_of(reply, order.options.size());
      said.push_back(all_on(letter, order.options.size()));
      if (letter < 0 && no_letter.empty()) {
        no_letter = reply.empty() ? "a reply of thoughts alone"
                                  : "a reply without a letter: " +
                                        reply.substr(0, kLongestReason);
      }
    }
    judgements.push_back(judge_rubric(orders, said));
    if (!no_letter.empty()) {
      judgements.back().reason = no_letter;
    }
  }
  return judgements;
}

}  // namespace veer
