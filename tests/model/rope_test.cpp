// SPDX-License-Identifier: MIT
#include "veer/model/rope.h"

#include <cmath>
#include <numbers>

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include "veer/model/packed_batch.h"

namespace veer {
namespace {

// Angle per position of pair p, from a table of positions 0 and 1.
double frequency(const RopeConfig& config, std::int64_t head_width,
                 std::int64_t p) {
  const std::vector<std::vector<std::int32_t>> rows = {{1, 1}};
  const RopeTable table =
      Rope(config, head_width, at::kCPU).table(pack(rows), 0);
  return std::atan2(table.sin_TP[1][p].item<double>(),
                    table.cos_TP[1][p].item<double>());
}

TEST(Rope, DefaultFrequenciesFallGeometrically) {
  RopeConfig config;
  config.theta = 100.0;
  EXPECT_NEAR(frequency(config, 4, 0), 1.0, 1e-6);
  EXPECT_NEAR(frequency(config, 4, 1), 0.1, 1e-6);
}

TEST(Rope, PositionZeroIsNotTurned) {
  const std::vector<std::vector<std::int32_t>> rows = {{1}, {1}};
  const RopeTable table = Rope({}, 8, at::kCPU).table(pack(rows), 0);
  EXPECT_EQ(table.cos_TP.sum().item<double>(), 8.0);
  EXPECT_EQ(table.sin_TP.abs().sum().item<double>(), 0.0);
}

TEST(Rope, LinearDividesByItsFactor) {
  RopeConfig config;
  config.type = "linear";
  config.factor = 4.0;
  EXPECT_NEAR(frequency(config, 4, 0), 0.25, 1e-6);
}

TEST(Rope, PartialRotaryTurnsFewerEntries) {
  RopeConfig config;
  config.partial_rotary_factor = 0.75;
  const std::vector<std::vector<std::int32_t>> rows = {{1}};
  EXPECT_EQ(Rope(config, 16, at::kCPU).table(pack(rows), 0).cos_TP.size(1), 6);
}

TEST(Rope, Llama3LeavesShortWavesAndStretchesLongOnes) {
  RopeConfig config;
  config.type = "llama3";
  config.theta = 1e6;
  config.factor = 8.0;
  config.low_freq_factor = 1.0;
  config.high_freq_factor = 4.0;
  config.original_max_positions = 100;
  const std::int64_t width = 12;
  // Wavelengths 2 pi theta^(p / 6): 6.3, 63, 628 and longer. Below 25 as it
  // was, above 100 divided by the factor, between them mixed.
  EXPECT_NEAR(frequency(config, width, 0), 1.0, 1e-6);
  const double wave = 2.0 * std::numbers::pi * 10.0;
  const double share = (100.0 / wave - 1.0) / 3.0;
  EXPECT_NEAR(frequency(config, width, 1),
              (1.0 - share) * 0.1 / 8.0 + share * 0.1, 1e-6);
  EXPECT_NEAR(frequency(config, width, 2), 0.01 / 8.0, 1e-7);
}

TEST(Rope, LongropeChoosesByTheLengthOfTheText) {
  RopeConfig config;
  config.type = "longrope";
  config.original_max_positions = 2;
  config.short_factor = {1.0, 1.0};
  config.long_factor = {2.0, 4.0};
  config.attention_factor = 1.0;
  const Rope rope(config, 4, at::kCPU);
  const std::vector<std::vector<std::int32_t>> rows = {{1, 1}, {1, 1, 1}};
  // Without a cache by each row's own length: the second token of each.
  const RopeTable own = rope.table(pack(rows), 0);
  EXPECT_NEAR(own.sin_TP[1][0].item<double>(), std::sin(1.0), 1e-6);
  EXPECT_NEAR(own.sin_TP[3][0].item<double>(), std::sin(0.5), 1e-6);
  // With one by what the slot can hold, so that no text meets both kinds.
  const RopeTable cached = rope.table(pack(rows), 3);
  EXPECT_NEAR(cached.sin_TP[1][0].item<double>(), std::sin(0.5), 1e-6);
}

TEST(Rope, YarnScalesTheLengthOfTheTurnedEntries) {
  RopeConfig config;
  config.type = "yarn";
  config.factor = 4.0;
  config.original_max_positions = 64;
  const std::vector<std::vector<std::int32_t>> rows = {{1}};
  const RopeTable table = Rope(config, 8, at::kCPU).table(pack(rows), 0);
  EXPECT_NEAR(table.cos_TP[0][0].item<double>(), 0.1 * std::log(4.0) + 1.0,
              1e-6);
}

}  // namespace
}  // namespace veer
