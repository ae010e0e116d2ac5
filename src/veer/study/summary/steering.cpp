// SPDX-License-Identifier: MIT
#include "veer/study/summary/steering.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/base/number_text.h"
#include "veer/claims/hypotheses.h"
#include "veer/claims/twin_claim.h"
#include "veer/results/effect_verdict.h"
#include "veer/results/leading_effect.h"
#include "veer/results/summary_numbers.h"

namespace veer {
namespace {

using Entries = std::vector<const Json*>;

// Points of a share below which an effect is none, as in the claims about them.
double least_effect() {
  return claim_definition("H3").margin.value_or(0.0);
}

// Whether an effect is shown to be no more than random vectors have, by an
// interval that ends below the margin. Scores have none.
bool is_shown_to_fail(const Json& entry) {
  if (!is_share(entry)) {
    return false;
  }
  const double beyond =
      number_or_nan(member(entry, "effect_minus_control"), "high");
  return (std::isnan(beyond) ? number_or_nan(entry.at("effect"), "high")
                             : beyond) < least_effect();
}

std::string question_of(const std::string& goal, const Entries& entries) {
  const bool induces = goal == "induction";
  if (!entries.empty() && !is_share(*entries.front())) {
    return induces ? "Does adding a direction favour the deceptive answer?"
                   : "Does subtracting a direction favour the honest answer?";
  }
  return induces ? "Does adding a direction make the base model deceive?"
                 : "Does subtracting one make the tuned model honest?";
}

// "6 of 6 vectors do", "the one vector that was tried does".
std::string count_text(std::size_t some, std::size_t all) {
  return all == 1 ? "the one vector that was tried does"
                  : fmt::format("{} of {} vectors do", some, all);
}

std::string plain_answer(const Entries& entries) {
  const Json& leader = *entries.front();
  const auto working = std::ranges::count_if(
      entries, [](const Json* entry) { return works(*entry); });
  const std::string by =
      is_plain_addition(leader)
          ? ""
          : ", but not by adding: with " + string_member(leader, "operator");
  if (working > 0) {
    return fmt::format(
        "Yes: {}{}.",
        count_text(static_cast<std::size_t>(working), entries.size()), by);
  }
  if (!has_random_control(leader)) {
    return "Not shown: no random vector was run beside it.";
  }
  if (leader.value("beats_random", false)) {
    return leader.value("valid_site", true)
               ? "Not shown: too much of the text is broken."
               : "Void: random vectors act at that place too.";
  }
  const bool none = std::ranges::all_of(
      entries, [](const Json* entry) { return is_shown_to_fail(*entry); });
  return none ? fmt::format("No: {} by {} points more than random ones.",
                            entries.size() == 1
                                ? "the one vector that was tried does not"
                                : fmt::format("none of {} vectors does",
                                              entries.size()),
                            rounded(100.0 * least_effect(), 0))
              : "Not told from what random vectors do.";
}

// "+79 points [+54, +90] beyond random vectors, +80 points [+47, +92] in all".
std::string both_amounts(const Json& entry) {
  const auto all = amount(entry.at("effect"), is_share(entry));
  const Json& beyond = member(entry, "effect_minus_control");
  return std::isnan(number_or_nan(beyond, "low"))
             ? all
             : fmt::format("{} beyond random vectors, {} in all",
                           amount(beyond, is_share(entry)), all);
}

// "Random vectors in its place: +1 points [+0, +2]; 95 % of 64 lie below +6
// points."
std::string random_sentence(const Json& entry) {
  if (!has_random_control(entry)) {
    return "No random vector was run beside it (sweep.best_random = 0), so "
           "that this is no finding about the direction.";
  }
  const bool share = is_share(entry);
  const auto control = random_control(entry);
  return fmt::format(
      "{} in its place: {}{}{}.",
      *control.kind == '\0' ? "Random vectors"
                            : "Covariance-matched random vectors",
      amount(control.effect, share),
      control.is_subtracted ? ""
                            : ", against the goal, so nothing is taken off",
      std::isnan(control.bar)
          ? ""
          : fmt::format("; 95 % of {} lie below {}{}", control.vectors,
                        bar_text(control, share), share ? " points" : ""));
}

// Why an entry that does not work does not; a sentence of its own.
std::string standing(const Json& entry) {
  if (works(entry) || !has_random_control(entry)) {
    return "";
  }
  if (!entry.value("valid_site", true) && entry.value("beats_random", false)) {
    return "Void: " + acting_random_text(entry) + ".";
  }
  const auto reason = string_member(entry, "reason");
  const std::string verdict =
      is_shown_to_fail(entry)              ? "No more than random vectors"
      : entry.value("beats_random", false) ? "It does not count"
                                           : "Not told from random vectors";
  return verdict + (reason.empty() ? "" : ": " + reason) + ".";
}

// The claim about a vector of the primary pair and a goal.
std::string claim_text(const Json& hypotheses, const std::string& side,
                       const std::string& goal) {
  if (goal == "induction") {
    return denial_note(hypotheses, side == "a" ? "H3" : "H6");
  }
  return side == "b" ? claim_note(hypotheses, "H5") : "";
}

// A vector's effect with the names in code at its end.
std::string effect_sentence(const std::string& who, const Json& entry,
                            const std::string& claim) {
  return fmt::format("{}: {} ({}, {}{}).", who, both_amounts(entry),
                     string_member(entry, "vector"), place_of(entry), claim);
}

// Of the leading entry and of the vectors of the primary pair, each with its
// claim and a fine-tuned one with its twin's share.
void add_effects(const Json& comparison, const Json& hypotheses,
                 const std::string& goal, const Entries& entries,
                 SummaryAnswer& out) {
  const Json& leader = *entries.front();
  std::string first = "The one vector tried";
  if (entries.size() > 1) {
    first = "First on select, " + rank_text(rank_on_test(entries, leader)) +
            " on test";
  }
  const auto leading = string_member(leader, "vector");
  const Json& primary = member(comparison, "primary");
  std::string claim;
  for (const char* side : {"a", "b"}) {
    if (string_member(primary, side) == leading) {
      claim = claim_text(hypotheses, side, goal);
    }
  }
  out.add(
      effect_sentence(first + twin_phrase(comparison, leading), leader, claim));
  out.add(standing(leader));
  out.add(random_sentence(leader));
  for (const char* side : {"a", "b"}) {
    const auto vector = string_member(primary, side);
    const auto found = std::ranges::find_if(entries, [&](const Json* entry) {
      return string_member(*entry, "vector") == vector;
    });
    if (vector != leading && found != entries.end()) {
      out.add(effect_sentence(
          std::string(*side == 'a' ? "Contrastive" : "Fine-tuned") +
              " direction" + twin_phrase(comparison, vector),
          **found, claim_text(hypotheses, side, goal)));
      out.add(standing(**found));
    }
  }
}

// "Other operators reach +27 points [..], which is no evidence for a direction
// (finetuned@p, layer 0, low_rank +2 share).", where they do more.
std::string other_operators(const Json& best, const std::string& goal,
                            const Json& added) {
  const auto others = ranked_effects(best, Json::array(), goal);
  if (others.empty() || is_plain_addition(*others.front()) ||
      std::abs(number_or_nan(others.front()->at("effect"), "value")) <=
          std::abs(number_or_nan(added.at("effect"), "value"))) {
    return "";
  }
  const Json& other = *others.front();
  return fmt::format(
      "Other operators reach {}, which is no evidence for a direction ({}, "
      "{}).",
      amount(other.at("effect"), is_share(other)),
      string_member(other, "vector"), place_of(other));
}

// Why no vector has an effect for a goal: what was never tried did not fail.
void say_why_none(const Json& sweep, const std::string& goal,
                  SummaryAnswer& out) {
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
  if (asked && tried > 0) {
    out.answer = "No effect can be reported.";
    out.add(fmt::format("Of {} configurations that were tried: {}.", tried,
                        reason));
    return;
  }
  out.answer = "It was not tried.";
  out.add(asked ? fmt::format("Why: {}.", reason)
                : fmt::format("The setting sweep.models has no {} model.",
                              goal == "induction" ? "base" : "tuned"));
}

}  // namespace

SummaryAnswer steering_answer(const Json& comparison, const Json& sweep,
                              const Json& hypotheses, const std::string& goal) {
  const Json& best = member(sweep, "best");
  const auto entries = ranked_effects(best, member(sweep, "groups"), goal);
  SummaryAnswer out{goal, question_of(goal, entries), "", {}};
  if (entries.empty()) {
    say_why_none(sweep, goal, out);
    return out;
  }
  out.answer = plain_answer(entries);
  add_effects(comparison, hypotheses, goal, entries, out);
  out.add(other_operators(best, goal, *entries.front()));
  return out;
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
