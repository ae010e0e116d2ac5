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
  const auto control = random_control(entry);
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
constexpr double kFails = 0.1;  // points of a share that count as an effect

// -1 where nothing was chosen on select.
double on_select(const Json& entry) {
  const double value = number_or_nan(entry, "select_value");
  return std::isnan(value) ? -1.0 : std::abs(value);
}

double price_of(const Json& entry) {
  const double price = number_or_nan(member(entry, "divergence"), "p95");
  return std::isnan(price) ? kNoPrice : price;
}

// An entry with a confirmed cell of a goal, of "best" or of plain additions.
bool serves(const Json& entry, const std::string& goal) {
  const auto group = string_member(entry, "group");
  return string_member(entry, "goal") == goal && entry.contains("effect") &&
         (group.empty() || group == "any" || group == "linear");
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
    if (!serves(entry, goal)) {
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
      std::abs(number_or_nan(other->at("effect"), "value")) <=
          std::abs(number_or_nan(added.at("effect"), "value"))) {
    return "";
  }
  const bool share = string_member(*other, "measure") != "score";
  return fmt::format(
      " Other operators reach {} ({}, {}), which is no evidence for a "
      "direction.",
      amount(other->at("effect"), share), string_member(*other, "vector"),
      place_of(*other));
}

// "+79 points [+54, +90] beyond random vectors, +80 points [+47, +92] in all".
std::string both_amounts(const Json& entry) {
  const bool share = string_member(entry, "measure") != "score";
  const auto all = amount(entry.at("effect"), share);
  const Json& beyond = member(entry, "effect_minus_control");
  return std::isnan(number_or_nan(beyond, "low"))
             ? all
             : fmt::format("{} beyond random vectors, {} in all",
                           amount(beyond, share), all);
}

// Whether an effect is shown to be no more than random vectors have, by an
// interval that ends below the margin. Scores have none.
bool is_shown_to_fail(const Json& entry) {
  if (string_member(entry, "measure") == "score") {
    return false;
  }
  const double beyond =
      number_or_nan(member(entry, "effect_minus_control"), "high");
  return (std::isnan(beyond) ? number_or_nan(entry.at("effect"), "high")
                             : beyond) < kFails;
}

// Where the leading entry does not exceed random vectors: that no vector does
// is for intervals to show, otherwise it cannot be told.
std::string nothing_sentence(const Json& entries, const std::string& goal,
                             const Json& best, const std::string& what) {
  const bool all_fail = std::ranges::all_of(entries, [&](const Json& entry) {
    return !serves(entry, goal) || is_shown_to_fail(entry);
  });
  const char* added = is_addition(best) ? " when it is added" : "";
  const auto vector = string_member(best, "vector");
  if (all_fail) {
    return fmt::format(
        "No vector moves {} by 10 points more than random vectors do{} (first "
        "on select: "
        "{}, {}).",
        what, added, vector, both_amounts(best));
  }
  const auto reason = string_member(best, "reason");
  return fmt::format(
      "What a vector does to {}{} is not told from random vectors (first on "
      "select: {}, "
      "{}, {}{}).",
      what, added, vector, both_amounts(best), place_of(best),
      reason.empty() ? "" : "; " + reason);
}

// What the vectors of the primary pair do that do not lead.
std::string pair_text(const Json& comparison, const Json& entries,
                      const std::string& goal, const std::string& leader) {
  std::string text;
  for (const char* side : {"a", "b"}) {
    const auto vector = string_member(member(comparison, "primary"), side);
    const auto found = std::ranges::find_if(entries, [&](const Json& entry) {
      return serves(entry, goal) && string_member(entry, "vector") == vector;
    });
    if (vector == leader || found == entries.end()) {
      continue;
    }
    const std::string standing =
        !has_random_control(*found) ? ", no random vector beside it"
        : !found->value("beats_random", false)
            ? (is_shown_to_fail(*found) ? ", no more than random vectors"
                                        : ", not told from random vectors")
        : !found->value("valid_site", true) ? ", void: random vectors act there"
        : string_member(*found, "reason").empty()
            ? ""
            : ", does not count: " + string_member(*found, "reason");
    text += fmt::format(" {}{}: {} ({}){}.", vector,
                        twin_phrase(comparison, vector), both_amounts(*found),
                        place_of(*found), standing);
  }
  return text;
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
  const Json& entries = entries_of(sweep, goal);
  const Json* best = leading(entries, goal);
  if (best == nullptr) {
    return no_effect_sentence(sweep, goal);
  }
  const auto vector = string_member(*best, "vector");
  const bool share = string_member(*best, "measure") != "score";
  const std::string what =
      !share ? "the deceptive answer's log-probability lead"
             : (goal == "induction" ? "deceptive answers of the base model"
                                    : "honest answers of the tuned model");
  const auto other = twin_note(comparison, vector) +
                     pair_text(comparison, entries, goal, vector) +
                     other_operators(sweep, goal, *best);
  if (!has_random_control(*best)) {
    return fmt::format(
               "{} moves {} by {} ({}); no random vector was run beside it "
               "(sweep.best_random = 0), so that this is no finding about the "
               "direction.",
               vector, what, amount(best->at("effect"), share),
               place_of(*best)) +
           other;
  }
  if (!best->value("beats_random", false)) {
    return nothing_sentence(entries, goal, *best, what) + other;
  }
  return fmt::format(
             "{} moves {} by {} ({}); {}.{}", vector, what, both_amounts(*best),
             place_of(*best), random_text(*best, share),
             best->value("valid_site", true)
                 ? ""
                 : " The claim about it is void: " + acting_random_text(*best) +
                       ".") +
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
    const double first = number_or_nan(entry, "first_broken");
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
      (*found)["lowest"] = std::min(first, number_or_nan(*found, "lowest"));
      (*found)["highest"] = std::max(first, number_or_nan(*found, "highest"));
    }
  }
  return rows;
}

}  // namespace veer
