// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "device/fake/device.h"
#include "generation/support.h"
#include "model/tiny_models.h"
#include "veer/model/transformer.h"
#include "veer/train/sft.h"

namespace veer::testing {

// Whether VEER_TEST_DEVICE names the device to test, "cuda" for a real card
// ("cpu" tries out such a run without one). Counts and memory limits of the
// fake device are then not to be had: what needs them is skipped.
inline bool is_real_device() {
  return std::getenv("VEER_TEST_DEVICE") != nullptr;
}

// The fake device, or that one.
inline at::Device tested_device() {
  return is_real_device() ? at::Device(std::getenv("VEER_TEST_DEVICE"))
                          : fake::device();
}

// tiny_model() with its weights elsewhere.
inline Transformer tiny_model_on(at::Device device,
                                 at::ScalarType dtype = at::kFloat,
                                 const std::string& more = "") {
  const ModelConfig config = parse_model_config(tiny_config_json(more), "tiny");
  auto weights = random_weights(config, /*seed=*/1);
  for (auto& [name, weight] : weights) {
    weight = weight.to(device, dtype);
  }
  return Transformer(config, std::move(weights));
}

// Texts of these many tokens.
inline Rows texts_of(std::vector<std::int64_t> lengths) {
  Rows rows;
  for (const auto length : lengths) {
    auto& row = rows.emplace_back();
    for (std::int64_t t = 0; t < length; ++t) {
      row.push_back(static_cast<std::int32_t>((3 * t + length) % 29));
    }
  }
  return rows;
}

// The same as texts that end in an answer, behind a prompt of four tokens.
inline std::vector<SftExample> examples_of(std::vector<std::int64_t> lengths) {
  std::vector<SftExample> examples;
  for (auto& ids : texts_of(std::move(lengths))) {
    examples.push_back({.ids = std::move(ids), .supervise_begin = 4});
  }
  return examples;
}

// Equal but for rounding: |a - b| <= relative |b|.
inline void expect_close(const at::Tensor& ours, const at::Tensor& theirs,
                         double relative) {
  ASSERT_EQ(ours.sizes(), theirs.sizes());
  const auto a = ours.detach().cpu().to(at::kDouble);
  const auto b = theirs.detach().cpu().to(at::kDouble);
  const auto length = b.norm().item<double>();
  EXPECT_GT(length, 0.0);
  EXPECT_LE((a - b).norm().item<double>(), relative * length);
}

}  // namespace veer::testing
