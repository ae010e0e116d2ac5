// SPDX-License-Identifier: MIT
#include "veer/vectors/auroc.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/random.h"

namespace veer {
namespace {

TEST(Auroc, CountsWinsAndHalfTies) {
  const std::vector<double> high = {2.0, 3.0};
  const std::vector<double> low = {1.0, 2.0};
  EXPECT_DOUBLE_EQ(auroc(high, low), 3.5 / 4.0);
  EXPECT_DOUBLE_EQ(auroc(low, high), 0.5 / 4.0);
}

TEST(Auroc, OfConstantLabelsIsAnErrorAndOfConstantScoresAHalf) {
  const std::vector<double> same = {1.0, 1.0, 1.0};
  EXPECT_THROW(auroc(same, {}), Error);
  EXPECT_THROW(auroc({}, same), Error);
  EXPECT_DOUBLE_EQ(auroc(same, same), 0.5);
}

TEST(AurocInterval, HasAWidthWhereTheSidesDoNotOverlap) {
  // 1 - t = 1.96 sqrt(V(t)), by hand for m = n = 1: s = 0, so that
  // (1 - t)^2 = z^2 t (1 - t), t = 1 / (1 + z^2).
  EXPECT_NEAR(auroc_interval(1.0, 1, 1).low, 1.0 / (1.0 + 3.841459), 1e-6);
  EXPECT_NEAR(auroc_interval(1.0, 10, 10).low, 0.8002, 1e-4);
  EXPECT_EQ(auroc_interval(1.0, 10, 10).high, 1.0);
  for (const std::int64_t n : {3, 10, 96, 100000}) {
    const auto all = auroc_interval(1.0, n, 2 * n);
    const auto none = auroc_interval(0.0, 2 * n, n);
    EXPECT_LT(all.low, 1.0) << n;
    EXPECT_NEAR(none.high, 1.0 - all.low, 1e-12) << n;
    EXPECT_EQ(none.low, 0.0) << n;
  }
}

TEST(AurocInterval, HoldsTheValueAndNarrowsWithTheScores) {
  for (const double value : {0.02, 0.5, 0.9, 0.999}) {
    const auto few = auroc_interval(value, 10, 20);
    const auto many = auroc_interval(value, 100, 200);
    EXPECT_LT(few.low, many.low) << value;
    EXPECT_LT(many.low, value);
    EXPECT_GT(many.high, value);
    EXPECT_GT(few.high, many.high) << value;
    EXPECT_GE(few.low, 0.0);
    EXPECT_LE(few.high, 1.0);
  }
}

// Share of draws whose interval holds the truth. Normal scores of two widths,
// `together` of their variance shared by the two sides of a pair.
struct Drawn {
  double truth;
  std::size_t n;
  double width;
  double together;
};

double coverage(const Drawn& drawn) {
  constexpr int kDraws = 2000;
  // Phi^-1 of .9, .97; sides 20 apart never overlap.
  const double z = drawn.truth == 0.9    ? 1.2815515655
                   : drawn.truth == 0.97 ? 1.8807936081
                                         : 20.0;
  const double shift = z * std::sqrt(1.0 + drawn.width * drawn.width);
  Random random(7, "coverage");
  int covered = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<double> positive;
    std::vector<double> negative;
    for (std::size_t i = 0; i < drawn.n; ++i) {
      const double shared = std::sqrt(drawn.together) * random.normal();
      const double own = std::sqrt(1.0 - drawn.together);
      negative.push_back(shared + own * random.normal());
      positive.push_back(shift +
                         drawn.width * (shared + own * random.normal()));
    }
    const auto n = static_cast<std::int64_t>(drawn.n);
    const auto [low, high] = auroc_interval(auroc(positive, negative), n, n);
    covered += low <= drawn.truth && drawn.truth <= high;
  }
  return static_cast<double>(covered) / kDraws;
}

TEST(AurocInterval, CoversAtItsRate) {
  for (const double truth : {0.9, 0.97, 1.0}) {
    for (const std::size_t n : {10U, 30U, 100U}) {
      for (const auto& [width, together] :
           {std::pair{1.0, 0.0}, {2.0, 0.0}, {1.0, 0.5}}) {
        const double got = coverage({truth, n, width, together});
        EXPECT_GE(got, 0.93) << truth << " of " << n << ", width " << width;
        // The price of pairs and of bounds that end at 1.
        EXPECT_LE(got, truth == 1.0 ? 1.0 : 0.995) << truth << " of " << n;
      }
    }
  }
}

}  // namespace
}  // namespace veer
