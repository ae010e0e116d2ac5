// SPDX-License-Identifier: MIT
#include "veer/metrics/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/random.h"

namespace veer {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Wilson, IsThePublishedInterval) {
  const auto e = wilson(8, 10);
  EXPECT_DOUBLE_EQ(e.value, 0.8);
  EXPECT_NEAR(e.low, 0.49016, 1e-4);
  EXPECT_NEAR(e.high, 0.94332, 1e-4);
  EXPECT_EQ(wilson(0, 10).low, 0.0);
  EXPECT_EQ(wilson(10, 10).high, 1.0);
  EXPECT_FALSE(wilson(0, 0).defined());
}

TEST(ShareByQuestion, IsWilsonForOneAnswerPerQuestion) {
  const std::vector<double> values = {1, 1, 1, 1, kNan, 1, 1, 1, 1, 0, 0};
  const auto e = share_by_question(values, 10);
  const auto published = wilson(8, 10);
  EXPECT_EQ(e.n, 10);
  EXPECT_DOUBLE_EQ(e.value, 0.8);
  EXPECT_NEAR(e.low, published.low, 1e-12);
  EXPECT_NEAR(e.high, published.high, 1e-12);
  EXPECT_FALSE(share_by_question(std::vector<double>{kNan}, 0).defined());
}

TEST(ShareByQuestion, AgreementCountsQuestionsNotAnswers) {
  // Four answers to each of ten questions, all the same: ten units.
  const std::vector<double> all(10, 1.0);
  EXPECT_NEAR(share_by_question(all, 40).low, wilson(10, 10).low, 1e-12);
  EXPECT_EQ(share_by_question(all, 40).high, 1.0);
  // Answers that vary within questions as freely as between them: forty.
  const std::vector<double> half(10, 0.5);
  EXPECT_NEAR(share_by_question(half, 40).low, wilson(20, 40).low, 1e-12);
}

TEST(ShareDifference, IsThePublishedInterval) {
  // Newcombe (1998), table II: 36 both, 12 only a, 2 only b.
  std::vector<double> a(50, 1.0);
  std::vector<double> b(50, 1.0);
  for (std::size_t i = 36; i < 48; ++i) {
    b[i] = 0.0;
  }
  a[48] = a[49] = 0.0;
  const auto e = share_difference(a, 50, b, 50);
  EXPECT_NEAR(e.value, 0.2, 1e-12);
  EXPECT_NEAR(e.low, 0.0569, 1e-4);
  EXPECT_NEAR(e.high, 0.3404, 1e-4);
  EXPECT_EQ(e.n, 50);
  EXPECT_THROW(share_difference(a, 50, std::vector<double>{1.0}, 1), Error);
}

TEST(ShareDifference, HasWidthWhenAllQuestionsMoveOrNone) {
  const std::vector<double> ones(188, 1.0);
  const std::vector<double> zeros(188, 0.0);
  const auto all = share_difference(ones, 188, zeros, 188);
  EXPECT_EQ(all.value, 1.0);
  EXPECT_EQ(all.high, 1.0);
  EXPECT_NEAR(all.low, 0.9717, 1e-4);
  const auto none = share_difference(zeros, 188, zeros, 188);
  EXPECT_NEAR(none.low, -0.0200, 1e-4);
  EXPECT_NEAR(none.high, 0.0200, 1e-4);
}

// True changes of 0 to 1, also at the boundary, where a bootstrap over 30
// questions covers as little as 26 %.
TEST(ShareDifference, CoversAtItsStatedRate) {
  Random random(8);
  for (const double stays : {0.0, 0.01, 0.1, 0.5}) {
    const double truth = 1.0 - stays;
    int covered = 0;
    constexpr int kRounds = 1000;
    for (int round = 0; round < kRounds; ++round) {
      std::vector<double> a(30);
      const std::vector<double> b(30, 0.0);
      for (auto& value : a) {
        value = random.chance(stays) ? 0.0 : 1.0;
      }
      const auto e = share_difference(a, 30, b, 30);
      covered += e.low <= truth && truth <= e.high;
    }
    EXPECT_GE(covered, 930) << "stays " << stays;
  }
}

TEST(Bootstrap, OneQuestionHasNoInterval) {
  const auto e = bootstrap_mean(std::vector<double>{2.0}, 1);
  EXPECT_EQ(e.value, 2.0);
  EXPECT_TRUE(std::isnan(e.low));
  EXPECT_FALSE(e.above(0.0));
}

TEST(Bootstrap, CentresOnTheMeanAndSkipsMissing) {
  const std::vector<double> values = {1.0, 2.0, kNan, 3.0};
  const auto e = bootstrap_mean(values, 1);
  EXPECT_DOUBLE_EQ(e.value, 2.0);
  EXPECT_EQ(e.n, 3);
  EXPECT_GE(e.low, 1.0);
  EXPECT_LT(e.low, 2.0);
  EXPECT_LE(e.high, 3.0);
  EXPECT_EQ(bootstrap_mean(values, 1).low, e.low);
  EXPECT_FALSE(bootstrap_mean(std::vector<double>{kNan}, 1).defined());
}

TEST(Bootstrap, CoversAtItsStatedRate) {
  Random random(7);
  int covered = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<double> values(40);
    for (auto& value : values) {
      value = random.normal() + 0.3;
    }
    const auto e = bootstrap_mean(values, round, 400);
    covered += e.low <= 0.3 && 0.3 <= e.high;
  }
  // 95 % nominal; the percentile bootstrap at n = 40 runs a little short.
  EXPECT_GT(covered, 360);
  EXPECT_LT(covered, 396);
}

TEST(PairedDifference, UsesThePairs) {
  const std::vector<double> a = {1.0, 5.0, 9.0, kNan};
  const std::vector<double> b = {0.0, 4.0, 8.0, 1.0};
  const auto e = paired_difference(a, b, 3);
  EXPECT_DOUBLE_EQ(e.value, 1.0);
  EXPECT_DOUBLE_EQ(e.low, 1.0);
  EXPECT_DOUBLE_EQ(e.high, 1.0);
  EXPECT_EQ(e.n, 3);
  EXPECT_THROW(paired_difference(a, std::vector<double>{1.0}, 3), Error);
}

TEST(PairedRatio, IsUndefinedWithoutAGap) {
  const std::vector<double> half = {0.5, 0.5};
  const std::vector<double> one = {1.0, 1.0};
  EXPECT_DOUBLE_EQ(paired_ratio(half, one, 1).value, 0.5);
  EXPECT_FALSE(paired_ratio(half, std::vector<double>{0.01, 0.0}, 1).defined());
}

TEST(MaxT, WidensWithTheNumberOfCells) {
  Random random(5);
  std::vector<std::vector<double>> cells(40, std::vector<double>(60));
  for (auto& cell : cells) {
    for (auto& effect : cell) {
      effect = random.normal();
    }
  }
  for (auto& effect : cells[7]) {
    effect += 2.0;
  }
  const auto one = max_t({cells.data(), 1}, 1, 2000);
  const auto all = max_t(cells, 1, 2000);
  EXPECT_NEAR(one.critical, 2.0, 0.15);
  EXPECT_NEAR(all.critical, 3.2, 0.3);
  EXPECT_LT(all.adjusted_p[7], 0.001);
  EXPECT_TRUE(all.cells[7].above(0.0));
  int false_claims = 0;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    false_claims += c != 7 && all.adjusted_p[c] < 0.05;
  }
  EXPECT_LE(false_claims, 1);
}

TEST(MaxT, HoldsItsFamilywiseRate) {
  Random random(6);
  int rejected = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<double>> cells(10, std::vector<double>(30));
    for (auto& cell : cells) {
      for (auto& effect : cell) {
        effect = random.normal();
      }
    }
    const auto result = max_t(cells, round, 300);
    rejected += std::ranges::any_of(result.adjusted_p,
                                    [](double p) { return p <= 0.05; });
  }
  EXPECT_LT(rejected, 23);  // 5 % of 200 = 10, plus four standard errors
}

TEST(MaxT, RefusesUnequalCells) {
  const std::vector<std::vector<double>> cells = {{1.0, 2.0}, {1.0}};
  EXPECT_THROW(max_t(cells, 1), Error);
}

// Units 0 to n - 1: every question its own.
std::vector<std::int64_t> single_units(std::size_t n) {
  std::vector<std::int64_t> units(n);
  std::iota(units.begin(), units.end(), 0);
  return units;
}

void expect_same_bits(const Estimate& a, const Estimate& b) {
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
  EXPECT_EQ(a.n, b.n);
  EXPECT_EQ(a.method, b.method);
}

TEST(Units, SingleQuestionsGiveTheSameBits) {
  Random random(3, "units");
  std::vector<double> a, b, c, d;
  for (int i = 0; i < 37; ++i) {
    a.push_back(random.chance(0.8) ? 1.0 : 0.0);
    b.push_back(random.chance(0.3) ? 1.0 : 0.0);
    c.push_back(random.uniform());
    d.push_back(0.5 + random.uniform());
  }
  a[4] = kNan;
  const auto units = single_units(37);
  expect_same_bits(share_by_question(a, 36, 0.95, units),
                   share_by_question(a, 36));
  expect_same_bits(share_difference(a, 36, b, 37, 0.95, units),
                   share_difference(a, 36, b, 37));
  expect_same_bits(bootstrap_mean(c, 1, 500, 0.95, units),
                   bootstrap_mean(c, 1, 500));
  expect_same_bits(paired_ratio(c, d, 1, 0.1, 500, 0.95, units),
                   paired_ratio(c, d, 1, 0.1, 500));
  const std::vector<std::vector<double>> effects = {b, c, d};
  const auto own = max_t(effects, 1, 500, 0.95, units);
  const auto plain = max_t(effects, 1, 500);
  for (std::size_t i = 0; i < effects.size(); ++i) {
    expect_same_bits(own.cells[i], plain.cells[i]);
    EXPECT_EQ(own.adjusted_p[i], plain.adjusted_p[i]);
  }
  EXPECT_EQ(own.cells[0].clusters, 37);
  EXPECT_EQ(plain.cells[0].clusters, 0);
}

// Against numpy: the design effect of unit_shares.h, and the cluster-robust
// error sqrt(M / (M - 1) sum D^2) / n.
TEST(Units, GiveTheNumbersOfTheFormulas) {
  const std::vector<double> values = {1, 1, 0, 1, 0, 1, 1};
  const std::vector<std::int64_t> units = {0, 0, 1, 2, 1, 3, 3};
  const auto share = share_by_question(values, 7, 0.95, units);
  EXPECT_NEAR(share.low, 0.14204441154367314, 1e-9);
  EXPECT_NEAR(share.high, 0.9741937635495761, 1e-9);
  EXPECT_EQ(share.clusters, 4);
  EXPECT_EQ(share.n, 7);
  const std::vector<std::vector<double>> effects = {{1, 0, 1, 0, 0, 1, 1}};
  const auto got = max_t(effects, 1, 500, 0.95, units);
  EXPECT_NEAR((got.cells[0].high - got.cells[0].value) / got.critical,
              0.17316900763752185, 1e-12);
}

TEST(Units, ThatAllAgreeCountAsOftenAsTheyAre) {
  const std::vector<double> all(30, 1.0);
  std::vector<std::int64_t> units;
  for (int i = 0; i < 30; ++i) {
    units.push_back(i / 3);
  }
  const auto e = share_by_question(all, 30, 0.95, units);
  EXPECT_LT(e.low, wilson(10, 10).low);  // 10 units, with Student's tail
  EXPECT_EQ(e.high, 1.0);
  // One question less that agrees is no reason to be surer.
  auto most = all;
  most[0] = 0.0;
  EXPECT_LT(share_by_question(most, 30, 0.95, units).low, e.low);
}

// 50 clusters of 4 questions that answer as their cluster does with
// probability sqrt(0.7): intervals over questions hold the truth too seldom.
TEST(Units, CoverWhereQuestionsComeInClusters) {
  Random random(11, "clusters");
  std::vector<std::int64_t> units;
  for (int i = 0; i < 200; ++i) {
    units.push_back(i / 4);
  }
  int by_unit = 0;
  int by_question = 0;
  int change_by_unit = 0;
  constexpr int kDraws = 400;
  for (int r = 0; r < kDraws; ++r) {
    std::vector<double> before, after;
    double of_cluster = 0.0;
    for (int i = 0; i < 200; ++i) {
      of_cluster = i % 4 == 0 ? random.uniform() : of_cluster;
      const double own =
          random.chance(std::sqrt(0.7)) ? of_cluster : random.uniform();
      before.push_back(own < 0.1 ? 1.0 : 0.0);
      after.push_back(own < 0.6 ? 1.0 : 0.0);
    }
    const auto holds = [](const Estimate& e, double truth) {
      return e.low <= truth && truth <= e.high ? 1 : 0;
    };
    by_unit += holds(share_by_question(after, 200, 0.95, units), 0.6);
    by_question += holds(share_by_question(after, 200), 0.6);
    change_by_unit +=
        holds(share_difference(after, 200, before, 200, 0.95, units), 0.5);
  }
  EXPECT_GE(by_unit, 368);  // 92 %
  EXPECT_GE(change_by_unit, 368);
  EXPECT_LE(by_question, 340);  // 85 %
}

}  // namespace
}  // namespace veer
