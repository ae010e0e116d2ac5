// SPDX-License-Identifier: MIT
//
// Questions that may answer alike for a reason other than chance are one unit
// of resampling: what is drawn, flipped or left out is the unit as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace veer {

// Unit of each question, from 0 on in the order in which units occur. Names
// that are equal are one unit.
std::vector<std::int64_t> units_of(std::span<const std::string> names);

// The questions of each unit, units in the order in which they occur, taken of
// the questions `kept` (rising). `units` empty: every question is a unit.
// Throws Error if a question has no unit.
std::vector<std::vector<std::size_t>> unit_members(
    std::span<const std::int64_t> units, std::span<const std::size_t> kept);

// Of the first `num_questions` questions.
std::vector<std::vector<std::size_t>> unit_members(
    std::span<const std::int64_t> units, std::size_t num_questions);

// Sum of squared unit sizes over the number of questions: how many questions
// stand for one where a unit agrees in itself (Kish 1965). 1 = all single.
double mean_unit_size(const std::vector<std::vector<std::size_t>>& members);

}  // namespace veer
