// SPDX-License-Identifier: MIT
#include "veer/metrics/agreement.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/random.h"

namespace veer {
namespace {

using Labels = std::vector<std::int64_t>;
using Table = std::vector<std::vector<int>>;

struct Pairs {
  Labels a, b;
};

Pairs labels_of(const Table& table, int times = 1) {
  Pairs pairs;
  for (std::size_t a = 0; a < table.size(); ++a) {
    for (std::size_t b = 0; b < table.size(); ++b) {
      pairs.a.insert(pairs.a.end(), times * table[a][b], a);
      pairs.b.insert(pairs.b.end(), times * table[a][b], b);
    }
  }
  return pairs;
}

Estimate kappa(const Pairs& pairs, std::int64_t num_labels) {
  return cohen_kappa(pairs.a, pairs.b, num_labels);
}

TEST(Kappa, IsOneForAgreementAndZeroForChance) {
  const Labels a = {0, 0, 1, 1};
  EXPECT_DOUBLE_EQ(cohen_kappa(a, a, 2).value, 1.0);
  EXPECT_DOUBLE_EQ(cohen_kappa(a, Labels{0, 1, 0, 1}, 2).value, 0.0);
}

TEST(Kappa, IsUndefinedWhereThereIsOneLabelOnly) {
  const auto same = cohen_kappa(Labels{1, 1}, Labels{1, 1}, 2);
  EXPECT_TRUE(std::isnan(same.value));
  EXPECT_TRUE(std::isnan(same.low));
  EXPECT_EQ(same.n, 2);
  EXPECT_FALSE(cohen_kappa(Labels{}, Labels{}, 2).defined());
  EXPECT_THROW(cohen_kappa(Labels{0}, Labels{}, 2), Error);
  EXPECT_THROW(cohen_kappa(Labels{2}, Labels{0}, 2), Error);
}

// Two psychiatrists, 100 patients (Fleiss, Statistical Methods for Rates and
// Proportions): kappa .68, standard error .0877. Ten times the patients: a
// standard error of .0277, and an interval of 1.96 of them to either side.
TEST(Kappa, AgreesWithThePublishedExampleAndItsStandardError) {
  const Table psychiatrists = {{75, 1, 4}, {5, 4, 1}, {0, 0, 10}};
  EXPECT_NEAR(kappa(labels_of(psychiatrists), 3).value, 0.676, 5e-4);
  const auto many = kappa(labels_of(psychiatrists, 10), 3);
  EXPECT_NEAR(many.low, 0.6765 - 1.96 * 0.0877 / std::sqrt(10.0), 0.005);
  EXPECT_NEAR(many.high, 0.6765 + 1.96 * 0.0877 / std::sqrt(10.0), 0.005);
  EXPECT_EQ(many.n, 1000);
}

// Printed by SAS for this table of 19 items.
TEST(Kappa, IsThatOfAnotherPublishedTable) {
  const auto estimate = kappa(labels_of({{0, 4, 1}, {0, 8, 0}, {0, 1, 5}}), 3);
  EXPECT_NEAR(estimate.value, 0.4842, 5e-5);
}

TEST(Kappa, CompleteAgreementOfAFewLeavesDoubt) {
  const auto few = kappa(labels_of({{6, 0}, {0, 6}}), 2);
  const auto many = kappa(labels_of({{100, 0}, {0, 100}}), 2);
  EXPECT_EQ(few.high, 1.0);
  EXPECT_LT(few.low, 0.8);
  EXPECT_GT(many.low, 0.95);
  EXPECT_LT(many.low, 1.0);
}

// A judge with one label for everything has a kappa of 0, which says little.
TEST(Kappa, OneConstantJudgeLeavesMuchDoubt) {
  const auto constant = kappa(labels_of({{18, 0}, {2, 0}}), 2);
  EXPECT_DOUBLE_EQ(constant.value, 0.0);
  EXPECT_GT(constant.high - constant.low, 0.2);
}

// Items of two labels: b copies a with probability `copies`, else it draws its
// own; then kappa is `copies`.
Pairs simulated(Random& random, int n, double share, double copies) {
  Pairs pairs;
  for (int i = 0; i < n; ++i) {
    pairs.a.push_back(random.chance(share));
    pairs.b.push_back(random.chance(copies) ? pairs.a.back()
                                            : random.chance(share));
  }
  return pairs;
}

TEST(Kappa, IntervalsCoverAtTheirRate) {
  Random random(5, "kappa test");
  constexpr int kRuns = 200;
  // The asymptotic interval covers .45 and .14 to .33 of the second and third.
  for (const auto& [n, share, truth] :
       {std::tuple{50, 0.5, 0.4}, std::tuple{20, 0.5, 0.95},
        std::tuple{50, 0.9, 0.95}, std::tuple{200, 0.6, 0.8},
        std::tuple{40, 0.5, 1.0}}) {
    int covered = 0;
    int defined = 0;
    for (int run = 0; run < kRuns; ++run) {
      const auto own = kappa(simulated(random, n, share, truth), 2);
      defined += own.defined();
      covered += own.low <= truth && truth <= own.high;
    }
    // Four standard errors of a coverage of .95 are .06.
    EXPECT_GE(covered, static_cast<int>(0.89 * defined)) << n << " " << truth;
    EXPECT_GT(defined, 150);
  }
}

using L = AnswerLabel;

TEST(Agreement, LooksAtWhatBothJudged) {
  const std::vector<L> a = {L::kHonest, L::kHonest, L::kUnjudged};
  const std::vector<L> b = {L::kHonest, L::kDeceptive, L::kBroken};
  const auto both = agreement(a, b);
  EXPECT_EQ(both.n, 2);
  EXPECT_EQ(both.same, 0.5);
  EXPECT_EQ(both.kappa.n, 2);
  EXPECT_EQ(agreement(a, {}).n, 0);
  EXPECT_TRUE(std::isnan(agreement(a, {}).same));
}

TEST(Majority, IsTheSingleMostFrequentLabel) {
  const std::vector<std::vector<L>> judges = {
      {L::kHonest, L::kHonest, L::kUnjudged},
      {L::kHonest, L::kDeceptive, L::kBroken},
      {L::kDeceptive, L::kUnjudged, L::kUnjudged}};
  EXPECT_EQ(majority(judges),
            (std::vector<L>{L::kHonest, L::kUnjudged, L::kBroken}));
}

}  // namespace
}  // namespace veer
