// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

namespace veer {

// The tokens that stand in a text, ascending, each once.
class SeenTokens {
 public:
  SeenTokens() = default;
  explicit SeenTokens(std::span<const std::int32_t> ids);
  void add(std::int32_t id);
  const std::vector<std::int32_t>& ids() const { return ids_; }

 private:
  std::vector<std::int32_t> ids_;
};

// A copy of logits_BV in fp32 in which the logits of the tokens seen by a row
// are divided by `penalty` where they are not negative and multiplied where
// they are (Keskar et al. 2019, as transformers has it). `seen`: one per row.
at::Tensor with_repetition_penalty(const at::Tensor& logits_BV,
                                   std::span<const SeenTokens* const> seen,
                                   double penalty);

}  // namespace veer
