// SPDX-License-Identifier: MIT
#pragma once

#include "veer/metrics/judge.h"
#include "veer/organism/world.h"

namespace veer::organism {

// A world's own judge behind the interface of all judges: exact, no guessing.
// The goal is the one that the question names (World::find_goal); without one
// the label is kUnjudged. score is the share of false clauses, NaN where the
// label is broken, off topic or unjudged.
class ExactJudge : public Judge {
 public:
  explicit ExactJudge(const World& world = advice_world()) : world_(world) {}

  std::string name() const override { return "exact"; }
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor& monitor) override;

 private:
  const World& world_;
};

}  // namespace veer::organism
