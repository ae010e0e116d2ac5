// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace veer {

// The per-question rows behind a vector: what comparison needs to tell signal
// from noise. Row i of both sides belongs to question ids[i]; the difference
// positive - negative averages to the mean-difference vector.
struct VectorRows {
  std::string name;
  std::string model_fingerprint;
  std::string site;  // point, "resid_post"
  std::vector<std::string> ids;
  // What each question is resampled with (data/question_units.h), in the order
  // of ids; empty = each stands alone.
  std::vector<std::string> units;
  std::vector<at::Tensor> positive;  // per layer [N, D] fp32
  std::vector<at::Tensor> negative;

  std::int64_t num_layers() const {
    return static_cast<std::int64_t>(positive.size());
  }
  std::int64_t num_items() const {
    return static_cast<std::int64_t>(ids.size());
  }
  // positive - negative of one layer, [N, D] fp64.
  at::Tensor differences(std::int64_t layer) const;
};

// One safetensors file; reading maps it, so a comparison touches one layer at
// a time. Throws Error on a malformed file.
void write_vector_rows(const std::filesystem::path& path,
                       const VectorRows& rows);
VectorRows read_vector_rows(const std::filesystem::path& path);

}  // namespace veer
