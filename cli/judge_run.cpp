// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/judge.h"
#include "veer/base/error.h"
#include "veer/metrics/choice_judge.h"
#include "veer/metrics/endpoint_judge.h"
#include "veer/metrics/self_judge.h"
#include "veer/study/judging.h"
#include "veer/study/machine.h"
#include "veer/study/manifest.h"

namespace veer::cli {
namespace {

void judge_by_endpoint(const JudgeOptions& options, Judging& judging,
                       Session& session) {
  EndpointOptions endpoint;
  endpoint.url = options.endpoint;
  endpoint.model = options.endpoint_model;
  endpoint.key_env = options.key_env;
  endpoint.timeout_seconds = options.timeout;
  endpoint.retries = options.retries;
  endpoint.first_wait_seconds = options.first_wait;
  endpoint.requests_per_minute = options.requests_per_minute;
  endpoint.replies = options.run / "judge_replies.jsonl";
  EndpointJudge judge(endpoint);
  const auto cost = judge.cost(judging.to_judge());
  const double price = options.price * static_cast<double>(cost.tokens) / 1e6;
  session.terminal.note(fmt::format(
      "{} requests to {}, about {} tokens{}", cost.requests, options.endpoint,
      cost.tokens,
      options.price > 0.0 ? fmt::format(", price {:.2f}", price) : ""));
  if (price > 0.0 && !options.yes) {
    fail("judge", fmt::format("requests that cost {:.2f}", price), "--yes");
  }
  judging.add(judge, session.terminal.monitor());
}

// The judges that are the run's own model.
void judge_by_model(const JudgeOptions& options, Judging& judging,
                    Session& session) {
  const auto manifest = load_manifest(options.run / "manifest.toml", {});
  const auto folder = model_folder(manifest.model.path);
  const auto format = ChatFormat::load(folder);
  const auto model = load_model(folder, manifest.run);
  if (options.self) {
    SelfJudge judge(model, format, {});
    judging.add(judge, session.terminal.monitor());
  }
  if (options.choice) {
    ChoiceJudge judge(model, format, {});
    judging.add(judge, session.terminal.monitor());
  }
}

std::string shown(const Json& value) {
  return value.is_number() ? fmt::format("{:.2f}", value.get<double>()) : "-";
}

void show(const Json& document, Session& session) {
  if (session.json) {
    session.terminal.out(dump_json(document) + "\n");
    return;
  }
  for (const auto& judge : document.at("judges")) {
    std::string line = judge.at("name").get<std::string>() + ":";
    for (const auto& [label, count] : judge.at("labels").items()) {
      if (count.get<int>() > 0) {
        line += fmt::format(" {} {}", count.get<int>(), label);
      }
    }
    if (judge.contains("probes")) {
      const auto& probes = judge.at("probes");
      line += fmt::format(
          "; {} of {} probes passed{}", probes.at("passed").get<int>(),
          probes.at("of").get<int>(),
          judge.at("fit").get<bool>() ? "" : ", NOT FIT AS A JUDGE");
    }
    if (judge.contains("option_mass") && judge.at("option_mass").is_number()) {
      line += fmt::format("; probability on the options {:.2f}",
                          judge.at("option_mass").get<double>());
    }
    session.terminal.out(line + "\n");
  }
  for (const auto& pair : document.at("agreement")) {
    session.terminal.out(
        fmt::format("{} and {}: kappa {}, same label {} (n {})\n",
                    pair.at("a").get<std::string>(),
                    pair.at("b").get<std::string>(), shown(pair.at("kappa")),
                    shown(pair.at("same")), pair.at("n").get<int>()));
  }
}

}  // namespace

void run_judge(const JudgeOptions& options, Session& session) {
  Judging judging(options.run, options.answers,
                  static_cast<std::uint64_t>(options.seed));
  if (!options.sheet_out.empty()) {
    judging.write_sheet(options.sheet_out);
    session.terminal.note(fmt::format("{} answers written to {}",
                                      judging.answers().size(),
                                      options.sheet_out.string()));
  }
  if (options.self || options.choice) {
    judge_by_model(options, judging, session);
  }
  if (!options.endpoint.empty()) {
    judge_by_endpoint(options, judging, session);
  }
  if (!options.sheet_in.empty()) {
    judging.add_sheet(options.sheet_in);
  }
  show(judging.finish(), session);
}

}  // namespace veer::cli
