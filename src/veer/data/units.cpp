// SPDX-License-Identifier: MIT
#include "veer/data/units.h"

#include <numeric>
#include <unordered_map>

#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {

std::vector<std::int64_t> units_of(std::span<const std::string> names) {
  std::unordered_map<std::string, std::int64_t> numbers;
  std::vector<std::int64_t> units;
  for (const auto& name : names) {
    const auto next = static_cast<std::int64_t>(numbers.size());
    units.push_back(numbers.try_emplace(name, next).first->second);
  }
  return units;
}

std::vector<std::vector<std::size_t>> unit_members(
    std::span<const std::int64_t> units, std::span<const std::size_t> kept) {
  std::unordered_map<std::int64_t, std::size_t> places;
  std::vector<std::vector<std::size_t>> members;
  for (const auto question : kept) {
    if (units.empty()) {
      members.push_back({question});
      continue;
    }
    if (question >= units.size()) {
      fail("units of questions", fmt::format("question {}", question),
           fmt::format("a unit for each; there are {}", units.size()));
    }
    const auto [at, is_new] =
        places.try_emplace(units[question], members.size());
    if (is_new) {
      members.emplace_back();
    }
    members[at->second].push_back(question);
  }
  return members;
}

std::vector<std::vector<std::size_t>> unit_members(
    std::span<const std::int64_t> units, std::size_t num_questions) {
  std::vector<std::size_t> all(num_questions);
  std::iota(all.begin(), all.end(), 0);
  return unit_members(units, all);
}

double mean_unit_size(const std::vector<std::vector<std::size_t>>& members) {
  double questions = 0.0;
  double squares = 0.0;
  for (const auto& unit : members) {
    const auto size = static_cast<double>(unit.size());
    questions += size;
    squares += size * size;
  }
  return questions > 0.0 ? squares / questions : 1.0;
}

}  // namespace veer
