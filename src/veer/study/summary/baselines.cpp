// SPDX-License-Identifier: MIT
#include "veer/study/summary/baselines.h"

#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/results/leading_effect.h"
#include "veer/results/summary_numbers.h"

namespace veer {
namespace {

double elsewhere(const Json& entry) {
  return number_or_nan(
      member(member(member(entry, "specificity"), "divergence"), "mean"),
      "value");
}

std::string nats(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.2f}", value);
}

std::string line(const std::string& what, const std::string& effect,
                 const std::string& lead, const std::string& nats) {
  auto text =
      fmt::format("  {:<24} {:<18} {:<18} {}", what, effect, lead, nats);
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace

std::string baseline_name(const Json& baseline) {
  const bool induces = string_member(baseline, "goal") == "induction";
  const std::string name = string_member(baseline, "name");
  if (name == "system_prompt") {
    return induces ? "deceptive system prompt" : "honest system prompt";
  }
  if (name == "finetune") {
    return induces ? "adapter on (tuned model)" : "adapter off (base model)";
  }
  return fmt::format("adapter at {:g}", number_or_nan(baseline, "strength"));
}

const Json* baseline_rival(const Json& best, const Json& groups,
                           const Json& baseline) {
  const auto ranked =
      ranked_effects(best, groups, string_member(baseline, "goal"));
  return ranked.empty() ? nullptr : ranked.front();
}

const Json& lead_over(const Json& baseline, const Json& rival) {
  static const Json kNone = nullptr;
  for (const auto& other : member(baseline, "differences")) {
    if (member(rival, "cell").is_number() &&
        member(other, "cell") == member(rival, "cell")) {
      return member(other, "difference");
    }
  }
  return kNone;
}

std::string specificity_sentence(const Json& sweep, const std::string& goal) {
  std::string costs;
  std::string others;
  for (const auto& baseline : member(sweep, "baselines")) {
    const double own = elsewhere(baseline);
    if (string_member(baseline, "goal") != goal || std::isnan(own)) {
      continue;
    }
    const Json* rival = baseline_rival(member(sweep, "best"),
                                       member(sweep, "groups"), baseline);
    if (costs.empty() && rival != nullptr) {
      const Json& measured = member(*rival, "specificity");
      const double random = number_or_nan(
          member(member(member(measured, "random"), "divergence"), "mean"),
          "value");
      costs = fmt::format(
          "On {} questions about something else, {} for {} changes what the "
          "model predicts by {:.2f} nats per token{}",
          member(measured, "texts").dump(), string_member(*rival, "vector"),
          goal, elsewhere(*rival),
          std::isnan(random)
              ? ""
              : fmt::format(" (random vectors in its place {:.2f})", random));
    }
    others += fmt::format("{}{} {:.2f}", others.empty() ? "" : ", ",
                          baseline_name(baseline), own);
  }
  return costs.empty() ? "" : fmt::format("{}; {}.", costs, others);
}

std::vector<std::string> baseline_lines(const Json& best, const Json& groups,
                                        const Json& baselines) {
  std::vector<std::string> lines;
  std::string goal;
  for (const auto& baseline : baselines) {
    if (lines.empty()) {
      lines.emplace_back();
      lines.push_back(
          "The first vector on select beside what takes no vector, on the same "
          "questions:");
    }
    const Json* rival = baseline_rival(best, groups, baseline);
    if (goal != string_member(baseline, "goal")) {
      goal = string_member(baseline, "goal");
      lines.push_back(line(goal, "in all", "vector minus it", "KL elsewhere"));
      if (rival != nullptr) {
        lines.push_back(line(string_member(*rival, "vector"),
                             bare_amount(rival->at("effect"), is_share(*rival)),
                             "", nats(elsewhere(*rival))));
      }
    }
    const bool share = is_share(baseline);
    const Json none;
    const Json& lead = rival == nullptr ? none : lead_over(baseline, *rival);
    lines.push_back(line(baseline_name(baseline),
                         bare_amount(member(baseline, "effect"), share),
                         lead.is_null() ? "" : bare_amount(lead, share),
                         nats(elsewhere(baseline))));
  }
  return lines;
}

}  // namespace veer
