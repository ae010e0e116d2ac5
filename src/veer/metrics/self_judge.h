// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "veer/generation/request.h"
#include "veer/metrics/judge.h"
#include "veer/model/transformer.h"
#include "veer/text/chat_format.h"

namespace veer {

// The model itself, unsteered and without its adapter, reads the rubric in
// both orders; its judgement is the probability that it gives to the letters.
// Model and format must outlive it.
class SelfJudge : public Judge {
 public:
  SelfJudge(const Transformer& model, const ChatFormat& format,
            GenerationOptions options)
      : model_(model), format_(format), options_(std::move(options)) {}

  std::string name() const override { return "self"; }
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor& monitor) override;

 private:
  const Transformer& model_;
  const ChatFormat& format_;
  GenerationOptions options_;
};

}  // namespace veer
