// SPDX-License-Identifier: MIT
#include "veer/study/summary_steering.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/study/summary_numbers.h"

namespace veer {
namespace {

// "random vectors +1 points [+0, +2], 95th percentile of 64: +6 points"
std::string random_text(const Json& entry, bool share) {
  const auto control = random_control(entry, share);
  std::string text = fmt::format("{}random vectors {}", control.kind,
                                 amount(control.effect, share));
  if (!std::isnan(control.bar)) {
    text += fmt::format(", 95th percentile of {}: {}{}", control.vectors,
                        bar_text(control, share), share ? " points" : "");
  }
  return text;
}

// The strongest entry of a goal among those that random vectors do not reach,
// of all if there are none; null if no vector has one.
const Json* strongest(const Json& sweep, const std::string& goal) {
  const Json* best = nullptr;
  auto rank = std::pair(false, -1.0);
  if (!sweep.contains("best")) {
    return nullptr;
  }
  for (const auto& entry : sweep.at("best")) {
    if (string_member(entry, "goal") != goal || !entry.contains("effect")) {
      continue;
    }
    const auto own =
        std::pair(entry.value("beats_random", false),
                  std::abs(number_of(entry.at("effect"), "value")));
    if (own > rank) {
      best = &entry;
      rank = own;
    }
  }
  return best;
}

// Why no vector has an effect for a goal: what was never tried did not fail.
std::string no_effect_sentence(const Json& sweep, const std::string& goal) {
  std::string reason;
  std::int64_t tried = 0;
  bool asked = false;
  for (const auto& entry : sweep.at("best")) {
    if (string_member(entry, "goal") == goal) {
      asked = true;
      const auto own = entry.value("candidates", std::int64_t{0});
      if (own > 0 || reason.empty()) {
        reason = string_member(entry, "reason");
      }
      tried += own;
    }
  }
  const std::string model = goal == "induction" ? "base" : "tuned";
  if (!asked) {
    return fmt::format(
        "Whether a vector can serve {} was not tried: sweep.models has no "
        "{} model.",
        goal, model);
  }
  if (tried == 0) {
    return fmt::format("Whether a vector can serve {} was {}.", goal, reason);
  }
  return fmt::format(
      "No vector has an effect for {} that can be reported, of {} "
      "configurations that were tried: {}.",
      goal, tried, reason);
}

}  // namespace

std::string steering_sentence(const Json& sweep, const std::string& goal) {
  const Json* best = strongest(sweep, goal);
  if (best == nullptr) {
    return no_effect_sentence(sweep, goal);
  }
  const bool share = string_member(*best, "measure") != "score";
  const std::string what =
      !share ? "the deceptive answer's log-probability lead"
             : (goal == "induction" ? "deceptive answers of the base model"
                                    : "honest answers of the tuned model");
  if (!has_random_control(*best)) {
    return fmt::format(
        "{} moves {} by {} ({}); no random vector was run beside it "
        "(sweep.best_random = 0), so that this is no finding about the "
        "direction.",
        string_member(*best, "vector"), what, amount(best->at("effect"), share),
        place_of(*best));
  }
  if (!best->value("beats_random", false)) {
    return fmt::format(
        "No vector moves {} more than random vectors do (best: {}, {}).", what,
        string_member(*best, "vector"), amount(best->at("effect"), share));
  }
  return fmt::format("{} moves {} by {} ({}); {}.",
                     string_member(*best, "vector"), what,
                     amount(best->at("effect"), share), place_of(*best),
                     random_text(*best, share));
}

Json break_rows(const Json& sweep) {
  Json rows;
  for (const auto& entry : member(sweep, "breaks")) {
    if (string_member(entry, "model") != "base" ||
        string_member(entry, "layers") == "all" ||
        string_member(entry, "vector").starts_with("random")) {
      continue;
    }
    if (rows.is_null()) {
      rows = Json::array();
    }
    const double first = number_of(entry, "first_broken");
    if (std::isnan(first)) {
      continue;
    }
    auto found = std::find_if(rows.begin(), rows.end(), [&](const Json& row) {
      return row["vector"] == entry["vector"];
    });
    if (found == rows.end()) {
      rows.push_back(
          {{"vector", entry["vector"]}, {"lowest", first}, {"highest", first}});
    } else {
      (*found)["lowest"] = std::min(first, number_of(*found, "lowest"));
      (*found)["highest"] = std::max(first, number_of(*found, "highest"));
    }
  }
  return rows;
}

}  // namespace veer
