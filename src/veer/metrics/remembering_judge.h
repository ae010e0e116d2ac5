// SPDX-License-Identifier: MIT
//
// A judge that is asked about the same answer once: many configurations leave
// a model's answer as it was.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "veer/metrics/judge.h"

namespace veer {

// Of a judge whose judgement depends on nothing but the answer that it sees.
// Keeps a judgement and a fingerprint for each answer, no text.
class RememberingJudge : public Judge {
 public:
  explicit RememberingJudge(std::unique_ptr<Judge> judge)
      : judge_(std::move(judge)) {}

  std::string name() const override { return judge_->name(); }
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor& monitor) override;

 private:
  std::unique_ptr<Judge> judge_;
  std::map<std::string, Judgement> known_;  // by fingerprint
};

}  // namespace veer
