// SPDX-License-Identifier: MIT
#include "veer/study/summary_steering.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/study/effect_verdict.h"
#include "veer/study/summary_numbers.h"
#include "veer/study/twin_claim.h"

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

// Of plain additions where the sweep has some: what other operators do is no
// effect of a direction.
const Json& entries_of(const Json& sweep, const std::string& goal) {
  for (const auto& entry : member(sweep, "groups")) {
    if (string_member(entry, "group") == "linear" &&
        string_member(entry, "goal") == goal && entry.contains("effect")) {
      return sweep.at("groups");
    }
  }
  return member(sweep, "best");
}

constexpr double kNoPrice = 1e300;

// -1 where nothing was chosen on select.
double on_select(const Json& entry) {
  const double value = number_of(entry, "select_value");
  return std::isnan(value) ? -1.0 : std::abs(value);
}

double price_of(const Json& entry) {
  const double price = number_of(member(entry, "divergence"), "p95");
  return std::isnan(price) ? kNoPrice : price;
}

// The entry of a goal that did most on the select questions, of several at the
// least divergence, among those that work, then of those that random vectors do
// not reach, then of those beside which some were run, of all if there are
// none; null if no vector has one. The largest effect on test would be chosen
// on the questions that report it.
const Json* leading(const Json& entries, const std::string& goal) {
  const Json* best = nullptr;
  auto rank = std::tuple(false, false, false, -2.0, -kNoPrice);
  for (const auto& entry : entries) {
    const auto group = string_member(entry, "group");
    if (string_member(entry, "goal") != goal || !entry.contains("effect") ||
        (!group.empty() && group != "any" && group != "linear")) {
      continue;
    }
    const auto own = std::tuple(
        works(entry), entry.value("beats_random", false),
        has_random_control(entry), on_select(entry), -price_of(entry));
    if (own > rank) {
      best = &entry;
      rank = own;
    }
  }
  return best;
}

bool is_addition(const Json& entry) {
  const auto operation = string_member(entry, "operator");
  return operation == "add" || operation == "subtract";
}

// " Other operators reach +27 points (finetuned@p, layer 0, low_rank +2 share),
// which is no evidence for a direction.", where they do more.
std::string other_operators(const Json& sweep, const std::string& goal,
                            const Json& added) {
  const Json* other = leading(member(sweep, "best"), goal);
  if (other == nullptr || is_addition(*other) ||
      std::abs(number_of(other->at("effect"), "value")) <=
          std::abs(number_of(added.at("effect"), "value"))) {
    return "";
  }
  const bool share = string_member(*other, "measure") != "score";
  return fmt::format(
      " Other operators reach {} ({}, {}), which is no evidence for a "
      "direction.",
      amount(other->at("effect"), share), string_member(*other, "vector"),
      place_of(*other));
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

std::string steering_sentence(const Json& comparison, const Json& sweep,
                              const std::string& goal) {
  const Json* best = leading(entries_of(sweep, goal), goal);
  if (best == nullptr) {
    return no_effect_sentence(sweep, goal);
  }
  const bool share = string_member(*best, "measure") != "score";
  const std::string what =
      !share ? "the deceptive answer's log-probability lead"
             : (goal == "induction" ? "deceptive answers of the base model"
                                    : "honest answers of the tuned model");
  const auto other = twin_note(comparison, string_member(*best, "vector")) +
                     other_operators(sweep, goal, *best);
  if (!has_random_control(*best)) {
    return fmt::format(
               "{} moves {} by {} ({}); no random vector was run beside it "
               "(sweep.best_random = 0), so that this is no finding about the "
               "direction.",
               string_member(*best, "vector"), what,
               amount(best->at("effect"), share), place_of(*best)) +
           other;
  }
  if (!best->value("beats_random", false)) {
    return fmt::format(
               "No vector moves {} more than random vectors do{} (best: {}, "
               "{}).",
               what, is_addition(*best) ? " when it is added" : "",
               string_member(*best, "vector"),
               amount(best->at("effect"), share)) +
           other;
  }
  const std::string beyond =
      std::isnan(number_of(member(*best, "effect_minus_control"), "low"))
          ? ""
          : amount(best->at("effect_minus_control"), share) +
                " beyond random vectors, ";
  return fmt::format("{} moves {} by {}{}{} ({}); {}.{}",
                     string_member(*best, "vector"), what, beyond,
                     amount(best->at("effect"), share),
                     beyond.empty() ? "" : " in all", place_of(*best),
                     random_text(*best, share),
                     best->value("valid_site", true)
                         ? ""
                         : " Random vectors act at this place too: the claim "
                           "about it is void.") +
         other;
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
