// SPDX-License-Identifier: MIT
#include "veer/study/further_judges.h"

#include <memory>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json_access.h"
#include "veer/metrics/choice_judge.h"
#include "veer/metrics/endpoint_judge.h"
#include "veer/metrics/self_judge.h"

namespace veer {
namespace {

EndpointOptions endpoint_options(const JudgeEndpointSettings& settings,
                                 const std::filesystem::path& run) {
  EndpointOptions options;
  options.url = settings.url;
  options.model = settings.model;
  options.key_env = settings.key_env;
  options.timeout_seconds = settings.timeout;
  options.retries = settings.retries;
  options.first_wait_seconds = settings.first_wait;
  options.requests_per_minute = settings.requests_per_minute;
  options.replies = run / "judge_replies.jsonl";
  return options;
}

void announce_cost(const EndpointJudge& judge, const Judging& judging,
                   const JudgeEndpointSettings& settings,
                   const Monitor& monitor) {
  const auto cost = judge.cost(judging.to_ask());
  const double price = settings.price * static_cast<double>(cost.tokens) / 1e6;
  monitor.message(fmt::format(
      "{} requests to {}, about {} tokens{}", cost.requests, settings.url,
      cost.tokens,
      settings.price > 0.0 ? fmt::format(", price {:.2f}", price) : ""));
  if (price > settings.cost_limit) {
    fail("judge",
         fmt::format("{} requests that cost {:.2f}", cost.requests, price),
         fmt::format("no more than judge.endpoint.cost_limit = {}; raise it, "
                     "or --yes with veer judge",
                     settings.cost_limit));
  }
}

std::unique_ptr<Judge> make_judge(const std::string& further,
                                  const Judging& judging,
                                  const JudgeParts& parts,
                                  const Monitor& monitor) {
  if (further == "self") {
    return std::make_unique<SelfJudge>(parts.reader());
  }
  if (further == "choice") {
    return std::make_unique<ChoiceJudge>(parts.reader());
  }
  const auto& endpoint = parts.settings.endpoint;
  auto judge =
      std::make_unique<EndpointJudge>(endpoint_options(endpoint, parts.run));
  announce_cost(*judge, judging, endpoint, monitor);
  return judge;
}

}  // namespace

std::string judge_name(const std::string& further,
                       const JudgeSettings& settings) {
  return further == "endpoint" ? EndpointJudge::name_of(settings.endpoint.model)
                               : further;
}

void ask_judges(Judging& judging, std::span<const std::string> further,
                bool again, const JudgeParts& parts, const Monitor& monitor) {
  std::vector<std::unique_ptr<Judge>> judges;
  for (const auto& name : further) {
    if (again || !judging.has(judge_name(name, parts.settings))) {
      judges.push_back(make_judge(name, judging, parts, monitor));
    }
  }
  for (const auto& judge : judges) {
    judging.add(*judge, monitor);
    judging.finish();
  }
}

void require_judges(const JudgeSettings& settings) {
  for (const auto& name : settings.further) {
    if (name == "endpoint") {
      check_endpoint(endpoint_options(settings.endpoint, {}));
    }
  }
}

std::string kappa_text(const Json& pair) {
  const Json& kappa = member(pair, "kappa");
  if (!member(kappa, "value").is_number()) {
    return "no kappa";
  }
  return fmt::format("kappa {:.2f} [{:.2f}, {:.2f}], n {}",
                     kappa["value"].get<double>(), kappa["low"].get<double>(),
                     kappa["high"].get<double>(), kappa["n"].get<int>());
}

}  // namespace veer
