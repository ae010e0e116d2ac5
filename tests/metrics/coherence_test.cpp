// SPDX-License-Identifier: MIT
#include "veer/metrics/coherence.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Repetition, CountsDistinctGrams) {
  const std::vector<std::int32_t> loop = {1, 2, 1, 2, 1, 2, 1};
  EXPECT_DOUBLE_EQ(repetition(loop, 4), 1.0 - 2.0 / 4.0);
  const std::vector<std::int32_t> fresh = {1, 2, 3, 4, 5};
  EXPECT_DOUBLE_EQ(repetition(fresh, 4), 0.0);
  EXPECT_DOUBLE_EQ(repetition({fresh.data(), 3}, 4), 0.0);
}

TEST(Distinct, PoolsTheTexts) {
  const std::vector<std::vector<std::int32_t>> texts = {{1, 2}, {1, 2, 3}};
  EXPECT_DOUBLE_EQ(distinct(texts, 1), 3.0 / 5.0);
  EXPECT_DOUBLE_EQ(distinct(texts, 2), 2.0 / 3.0);
  EXPECT_TRUE(std::isnan(distinct(texts, 9)));
}

TEST(Compression, IsSmallForLoops) {
  EXPECT_LT(compression_ratio(std::string(400, 'a')), 0.1);
  EXPECT_GT(compression_ratio("Keep the tea warm."), 0.9);
  EXPECT_TRUE(std::isnan(compression_ratio("")));
}

std::vector<CoherenceSignals> normal_texts() {
  std::vector<CoherenceSignals> texts;
  for (int i = 0; i < 20; ++i) {
    texts.push_back({.compression = 0.9 + 0.01 * i, .nll = 1.0 + 0.1 * i});
  }
  return texts;
}

TEST(Incoherent, FlagsBothSidesOfTheUnsteeredRange) {
  const auto limits = coherence_limits(normal_texts());
  const CoherenceSignals good{.compression = 1.0, .nll = 2.0};
  EXPECT_FALSE(incoherent(good, limits));
  for (const auto& text :
       {CoherenceSignals{.compression = 1.0, .nll = 0.2},
        CoherenceSignals{.compression = 1.0, .nll = 9.0},
        CoherenceSignals{.compression = 0.3, .nll = 2.0},
        CoherenceSignals{.repetition = 0.6, .compression = 1.0, .nll = 2},
        CoherenceSignals{
            .compression = 1.0, .reached_end = false, .nll = 2.0}}) {
    EXPECT_TRUE(incoherent(text, limits));
  }
  EXPECT_FALSE(incoherent({.compression = kNan, .nll = kNan}, limits));
  EXPECT_THROW(coherence_limits({}), Error);
}

}  // namespace
}  // namespace veer
