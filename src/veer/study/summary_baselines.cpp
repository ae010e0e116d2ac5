// SPDX-License-Identifier: MIT
#include "veer/study/summary_baselines.h"

#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"
#include "veer/study/summary_numbers.h"

namespace veer {
namespace {

// "+98 [+94, +99]", in points where the measure is a share.
std::string bare_amount(const Json& estimate, bool share) {
  if (std::isnan(number_or_nan(estimate, "value"))) {
    return "not defined";
  }
  const double factor = share ? 100.0 : 1.0;
  const int decimals = share ? 0 : 2;
  const auto part = [&](const char* key) {
    return signed_rounded(factor * number_or_nan(estimate, key), decimals);
  };
  return fmt::format("{} [{}, {}]", part("value"), part("low"), part("high"));
}

double elsewhere(const Json& entry) {
  return number_or_nan(
      member(member(member(entry, "specificity"), "divergence"), "mean"),
      "value");
}

std::string nats(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.2f}", value);
}

// The entry of the vector that a baseline is compared with; null where no cell
// of any vector was chosen.
const Json* rival_of(const Json& best, const Json& baseline) {
  if (!member(member(baseline, "against"), "cell").is_number()) {
    return nullptr;
  }
  for (const auto& entry : best) {
    if (member(entry, "goal") == member(baseline, "goal") &&
        member(entry, "cell") == member(member(baseline, "against"), "cell")) {
      return &entry;
    }
  }
  return nullptr;
}

std::string line(const std::string& what, const Json& entry,
                 const std::string& beside) {
  const bool share = string_member(entry, "measure") != "score";
  auto text = fmt::format("  {:<24} {:<11} {:<17} {:<18} {}", what,
                          string_member(entry, "goal"),
                          bare_amount(member(entry, "effect"), share), beside,
                          nats(elsewhere(entry)));
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

std::string specificity_sentence(const Json& sweep, const std::string& goal) {
  std::string costs;
  std::string others;
  for (const auto& baseline : member(sweep, "baselines")) {
    const double own = elsewhere(baseline);
    if (string_member(baseline, "goal") != goal || std::isnan(own)) {
      continue;
    }
    const Json* rival = rival_of(member(sweep, "best"), baseline);
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

std::vector<std::string> baseline_lines(const Json& best,
                                        const Json& baselines) {
  std::vector<std::string> lines;
  std::string goal;
  for (const auto& baseline : baselines) {
    if (lines.empty()) {
      lines.push_back(
          "Without a vector, same questions; right: best vector minus it, KL "
          "elsewhere");
    }
    const Json* rival = rival_of(best, baseline);
    if (goal != string_member(baseline, "goal") && rival != nullptr) {
      lines.push_back(line(string_member(*rival, "vector"), *rival,
                           "by " + string_member(*rival, "operator")));
    }
    goal = string_member(baseline, "goal");
    const bool share = string_member(baseline, "measure") != "score";
    const Json& lead = member(baseline, "difference");
    lines.push_back(line(baseline_name(baseline), baseline,
                         lead.is_null() ? "" : bare_amount(lead, share)));
  }
  return lines;
}

}  // namespace veer
