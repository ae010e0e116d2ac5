// SPDX-License-Identifier: MIT
//
// Successive halving (Jamieson & Talwalkar 2016): many arms are tried on few
// questions, the better half on twice as many, until the rest were asked all.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace veer {

using Arms = std::vector<std::size_t>;

// One round: these arms were asked this many questions.
struct HalvingRound {
  std::int64_t questions = 0;
  Arms arms;
};

// The value of each arm after it was asked `questions`; larger = better, NaN =
// not to be chosen.
using MeasureArms = std::function<std::vector<double>(
    std::span<const std::size_t> arms, std::int64_t questions)>;

// Arms of one group compete with each other; groups share their rounds so that
// all of a round can be measured at once. `screen`: a cheap value of every arm
// (indexed by arm). A quarter of each group, at least four arms, passes it;
// it breaks ties later. Of each round half of a group goes on, at least one.
// The last round asks all `questions`, the one before half of them, and so
// on, the first a quarter (never less than one); `measure` is called once a
// round. Returns the rounds in order; arms in each by group, best first by
// what chose them.
std::vector<HalvingRound> halve(std::span<const Arms> groups,
                                std::span<const double> screen,
                                std::int64_t questions,
                                const MeasureArms& measure);

// Questions of each round, rising, the last all of them: 3, 6, 12.
std::vector<std::int64_t> halving_questions(std::int64_t questions);

}  // namespace veer
