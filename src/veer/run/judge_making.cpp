// SPDX-License-Identifier: MIT
#include "veer/run/judge_making.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "veer/base/error.h"
#include "veer/metrics/chat_endpoint.h"
#include "veer/metrics/choice_judge.h"
#include "veer/metrics/endpoint_judge.h"
#include "veer/metrics/remembering_judge.h"
#include "veer/metrics/self_judge.h"

namespace veer {
namespace {

EndpointOptions endpoint_options(const JudgeEndpointSettings& settings) {
  EndpointOptions options;
  options.url = settings.url;
  options.model = settings.model;
  options.temperature = settings.temperature;
  options.extra_body = settings.extra_body;
  options.key_env = settings.key_env;
  options.headers = settings.headers;
  options.token_limit_name = settings.token_limit_name;
  options.token_limit = settings.token_limit;
  options.timeout_seconds = settings.timeout;
  options.retries = settings.retries;
  options.first_wait_seconds = settings.first_wait;
  options.requests_per_minute = settings.requests_per_minute;
  options.parallel = settings.parallel;
  return options;
}

// An endpoint that is held to the limit of its settings.
class PricedEndpoint : public Judge {
 public:
  PricedEndpoint(const std::filesystem::path& run,
                 JudgeEndpointSettings settings)
      : judge_(endpoint_options(settings), run / "judge_replies.jsonl"),
        settings_(std::move(settings)) {}

  std::string name() const override { return judge_.name(); }

  void announce(std::span<const AnswerToJudge> answers,
                const Monitor& monitor) override {
    const auto cost = judge_.cost(answers);
    monitor.message(fmt::format(
        "{} requests to {}, about {} tokens{}", cost.requests, settings_.url,
        cost.tokens,
        settings_.price > 0.0 ? fmt::format(", price {:.2f}", price_of(cost))
                              : ""));
    require_within_limit(cost);
  }

  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor& monitor) override {
    auto cost = judge_.cost(answers);
    require_within_limit(cost);
    const auto limit = judge_.token_limit();
    auto judgements = judge_.judge(answers, monitor);
    cost.tokens += cost.requests * (judge_.token_limit() - limit);
    spent_ += price_of(cost);
    return judgements;
  }

 private:
  double price_of(const EndpointJudge::Cost& cost) const {
    return settings_.price * static_cast<double>(cost.tokens) / 1e6;
  }

  void require_within_limit(const EndpointJudge::Cost& cost) const {
    const double price = price_of(cost);
    if (spent_ + price > settings_.cost_limit) {
      fail(
          "judge",
          fmt::format(
              "{} requests that cost {:.2f}{}", cost.requests, price,
              spent_ > 0.0 ? fmt::format(", after {:.2f} so far", spent_) : ""),
          fmt::format("no more than judge.endpoint.cost_limit = {}; raise it, "
                      "or --yes with veer judge",
                      settings_.cost_limit));
    }
  }

  EndpointJudge judge_;
  JudgeEndpointSettings settings_;
  double spent_ = 0.0;
};

}  // namespace

std::unique_ptr<Judge> make_judge(const std::string& which,
                                  const JudgeParts& parts) {
  if (which == "self") {
    return std::make_unique<RememberingJudge>(
        std::make_unique<SelfJudge>(parts.reader()));
  }
  if (which == "choice") {
    return std::make_unique<RememberingJudge>(
        std::make_unique<ChoiceJudge>(parts.reader()));
  }
  return std::make_unique<PricedEndpoint>(parts.run, parts.settings.endpoint);
}

std::string judge_name(const std::string& which,
                       const JudgeSettings& settings) {
  return which == "endpoint"
             ? EndpointJudge::name_of(endpoint_options(settings.endpoint))
             : which;
}

void require_judges(const JudgeSettings& settings) {
  if (settings.kind == "endpoint" ||
      std::ranges::find(settings.further, "endpoint") !=
          settings.further.end()) {
    check_endpoint(endpoint_options(settings.endpoint));
  }
}

}  // namespace veer
