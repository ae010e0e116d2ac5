// SPDX-License-Identifier: MIT
//
// Rotary position embedding (arXiv 2104.09864) in the half-split form: of the
// first 2P entries of a head, entry p and entry p + P are turned together by
// the angle position * frequency_p. The variants (linear, llama3, longrope,
// yarn) change the frequencies only, longrope and yarn also the length.
#pragma once

#include <ATen/core/Tensor.h>

#include "veer/model/config.h"
#include "veer/model/packed_batch.h"

namespace veer {

// Cosines and sines of a batch's tokens, fp32 [T, P], made once per pass.
struct RopeTable {
  at::Tensor cos_TP;
  at::Tensor sin_TP;
  // On a card, where heads are turned whole: how each half of a head, the third
  // axis, enters each half of the turned one, the second, [T, 1, 2, 2, P].
  // Undefined elsewhere.
  at::Tensor turns_T122P;
};

class Rope {
 public:
  Rope(const RopeConfig& config, std::int64_t head_width, at::Device device);

  // `max_tokens`: the longest text that a row's cache slot can hold, 0 without
  // a cache. longrope chooses its factors by it, or without a cache by the
  // row's own length, since keys of both kinds must not meet in one text.
  RopeTable table(const PackedBatch& batch, std::int64_t max_tokens) const;

 private:
  at::Tensor frequencies_P_;
  at::Tensor long_frequencies_P_;  // longrope only
  std::int64_t original_ = 0;
  double factor_ = 1.0;  // of cosines and sines
};

}  // namespace veer
