// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "veer/metrics/letters.h"

namespace veer {

// The model itself reads the rubric in both orders; its judgement is the
// probability that it gives to the letters.
class SelfJudge : public Judge {
 public:
  explicit SelfJudge(LetterReader reader) : reader_(std::move(reader)) {}

  std::string name() const override { return "self"; }
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor& monitor) override;

 private:
  LetterReader reader_;
};

}  // namespace veer
