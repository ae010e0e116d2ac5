// SPDX-License-Identifier: MIT
#include "veer/results/leading_effect.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/results/choice_rank.h"
#include "veer/results/effect_verdict.h"
#include "veer/results/summary_numbers.h"

namespace veer {
namespace {

constexpr double kNoPrice = 1e300;

// 1, or -1 where the goal wants a smaller measure.
double sign_of(const Json& entry) {
  const bool falls = string_member(entry, "measure") == "score" &&
                     string_member(entry, "goal") == "suppression";
  return falls ? -1.0 : 1.0;
}

// What it did on the select questions, more = better. -1 where nothing was
// chosen there.
double gain_of(const Json& entry) {
  const double value = number_or_nan(entry, "select_value");
  return std::isnan(value) ? -1.0 : sign_of(entry) * value;
}

// An unknown price comes last.
ChoiceRank rank_of(const Json& entry) {
  const double gain = gain_of(entry);
  const double price = number_or_nan(member(entry, "divergence"), "p95");
  const double last = gain > 0.0 ? kNoPrice : -kNoPrice;
  return {gain, std::isnan(price) ? last : price, 0.0};
}

void add_entries(const Json& entries, const std::string& goal,
                 const char* group, std::vector<const Json*>& out) {
  for (const auto& entry : entries) {
    const auto own = string_member(entry, "group");
    if (string_member(entry, "goal") == goal && entry.contains("effect") &&
        (own.empty() || own == group)) {
      out.push_back(&entry);
    }
  }
}

auto standing_of(const Json& entry) {
  return std::tuple(works(entry), entry.value("beats_random", false),
                    has_random_control(entry));
}

bool leads(const Json& a, const Json& b) {
  const auto of_a = standing_of(a);
  const auto of_b = standing_of(b);
  return of_a == of_b ? ranks_before(rank_of(a), rank_of(b)) : of_a > of_b;
}

double size_of(const Json& entry, const char* key) {
  return sign_of(entry) * number_or_nan(member(entry, key), "value");
}

}  // namespace

std::vector<const Json*> ranked_effects(const Json& best, const Json& groups,
                                        const std::string& goal) {
  std::vector<const Json*> out;
  add_entries(groups, goal, "linear", out);
  if (out.empty()) {
    add_entries(best, goal, "any", out);
  }
  std::ranges::stable_sort(
      out, [](const Json* a, const Json* b) { return leads(*a, *b); });
  return out;
}

TestRank rank_on_test(const std::vector<const Json*>& ranked,
                      const Json& entry) {
  const bool beyond = std::ranges::all_of(ranked, [](const Json* other) {
    return !std::isnan(size_of(*other, "effect_minus_control"));
  });
  const char* key = beyond ? "effect_minus_control" : "effect";
  const double own = size_of(entry, key);
  const auto larger = std::ranges::count_if(
      ranked, [&](const Json* other) { return size_of(*other, key) > own; });
  return {static_cast<std::size_t>(larger) + 1, ranked.size()};
}

std::string rank_text(const TestRank& rank) {
  const auto last = rank.rank % 10;
  const bool teen = rank.rank % 100 / 10 == 1;
  const char* ending = teen        ? "th"
                       : last == 1 ? "st"
                       : last == 2 ? "nd"
                       : last == 3 ? "rd"
                                   : "th";
  return fmt::format("{}{} of {}", rank.rank, ending, rank.of);
}

bool is_plain_addition(const Json& entry) {
  const auto operation = string_member(entry, "operator");
  return operation == "add" || operation == "subtract";
}

}  // namespace veer
