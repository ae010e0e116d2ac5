// SPDX-License-Identifier: MIT
#include "veer/study/leading_effect.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/json_access.h"
#include "veer/study/effect_verdict.h"
#include "veer/study/summary_numbers.h"

namespace veer {
namespace {

constexpr double kNoPrice = 1e300;

// -1 where nothing was chosen on select.
double on_select(const Json& entry) {
  const double value = number_or_nan(entry, "select_value");
  return std::isnan(value) ? -1.0 : std::abs(value);
}

double price_of(const Json& entry) {
  const double price = number_or_nan(member(entry, "divergence"), "p95");
  return std::isnan(price) ? kNoPrice : price;
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

auto order_of(const Json& entry) {
  return std::tuple(works(entry), entry.value("beats_random", false),
                    has_random_control(entry), on_select(entry),
                    -price_of(entry));
}

double size_of(const Json& entry, const char* key) {
  const double value = number_or_nan(member(entry, key), "value");
  const bool falls = string_member(entry, "measure") == "score" &&
                     string_member(entry, "goal") == "suppression";
  return falls ? -value : value;
}

}  // namespace

std::vector<const Json*> ranked_effects(const Json& best, const Json& groups,
                                        const std::string& goal) {
  std::vector<const Json*> out;
  add_entries(groups, goal, "linear", out);
  if (out.empty()) {
    add_entries(best, goal, "any", out);
  }
  std::ranges::stable_sort(out, [](const Json* a, const Json* b) {
    return order_of(*a) > order_of(*b);
  });
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
