// SPDX-License-Identifier: MIT
#include "veer/vectors/unit_rows.h"

#include <cmath>

#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vectors/planted.h"

namespace veer {
namespace {

using testing::ElementsAre;

const std::vector<std::string> kNames = {"a", "a", "b", "c", "b", "d", "d"};

at::Tensor first_rows() {
  return matrix(7, 2,
                {1.0, 0.5, 1.5, 0.25, -0.5, 1.0, 2.0, -1.0, 0.25, 0.75, 3.0,
                 2.0, 2.5, 1.5});
}
at::Tensor second_rows() {
  return matrix(
      7, 2,
      {0.5, 1.0, 1.0, 0.5, 0.0, 1.0, 1.5, -0.5, 0.5, 0.5, 2.0, 2.5, 2.0, 1.0});
}

TEST(UnitRows, SumOverTheQuestionsOfAUnit) {
  const auto units = row_units(item_ids(7), kNames);
  EXPECT_THAT(units.names, ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(units.counts, ElementsAre(2, 2, 1, 2));
  EXPECT_FALSE(units.are_single());
  EXPECT_TRUE(
      unit_sums(first_rows(), units)
          .equal(matrix(4, 2, {2.5, 0.75, -0.25, 1.75, 2.0, -1.0, 5.5, 3.5})));
}

// Against numpy, which multiplies every two questions of different units.
TEST(UnitRows, LeaveOutProductsOfOneUnit) {
  const auto ids = item_ids(7);
  const auto units = row_units(ids, kNames);
  const auto sums = unit_sums(first_rows(), units);
  EXPECT_NEAR(unbiased_squared_norm(sums, units.counts), 1.7395833333333333,
              1e-12);
  EXPECT_NEAR(ItemGram(sums, units.counts).unbiased_squared_norm(),
              1.7395833333333333, 1e-12);
  const auto got = cross_item_cosine(sums, unit_sums(second_rows(), units),
                                     unite_units(ids, units, ids, units));
  EXPECT_NEAR(got.uncorrected, 0.9927865229317929, 1e-12);
  EXPECT_EQ(got.cosine.n, 7);
  EXPECT_EQ(got.cosine.clusters, 4);
}

TEST(UnitRows, AreAsAlikeAsNumpySays) {
  const auto alike =
      intra_cluster(first_rows(), row_units(item_ids(7), kNames));
  EXPECT_NEAR(*alike.icc, 0.9154929577464788, 1e-12);
  EXPECT_NEAR(*alike.design_effect, 1.9189588879029869, 1e-12);
  const auto alone = intra_cluster(first_rows(), row_units(item_ids(7), {}));
  EXPECT_FALSE(alone.icc);
  EXPECT_EQ(*alone.design_effect, 1.0);
}

TEST(UnitRows, SingleQuestionsGiveTheSameBits) {
  const auto x = noisy_rows(unit(16, 0), 40, 1.0, 1);
  const auto y = noisy_rows(unit(16, 0), 40, 1.0, 2);
  const auto x_ids = item_ids(40);
  const auto y_ids = item_ids(40, 10);
  const auto of_x = row_units(x_ids, x_ids);
  const auto of_y = row_units(y_ids, y_ids);
  const auto own = cross_item_cosine(unit_sums(x, of_x), unit_sums(y, of_y),
                                     unite_units(x_ids, of_x, y_ids, of_y));
  const auto plain = cross_item_cosine(x, y, unite_items(x_ids, y_ids));
  ASSERT_TRUE(plain.cosine.value);
  EXPECT_EQ(*own.cosine.value, *plain.cosine.value);
  EXPECT_EQ(*own.cosine.low, *plain.cosine.low);
  EXPECT_EQ(*own.cosine.high, *plain.cosine.high);
}

// 60 clusters of 3 questions whose noise is the cluster's by half: the interval
// over questions holds the truth far too seldom, the one over clusters as often
// as it says.
TEST(UnitRows, CoverWhereQuestionsComeInClusters) {
  constexpr std::int64_t kClusters = 60;
  constexpr std::int64_t kWidth = 32;
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < 3 * kClusters; ++i) {
    names.push_back(std::to_string(i / 3));
  }
  const auto ids = item_ids(3 * kClusters);
  const auto units = row_units(ids, names);
  const auto items = unite_units(ids, units, ids, units);
  const auto of = at::tensor(units.of, at::kLong);
  const auto noise = [&](std::uint64_t seed) {
    return (normal_matrix(3 * kClusters, kWidth, seed) +
            normal_matrix(kClusters, kWidth, seed + 1).index_select(0, of)) /
           std::sqrt(2.0 * kWidth);
  };
  int by_unit = 0;
  int by_question = 0;
  constexpr int kDraws = 120;
  for (int r = 0; r < kDraws; ++r) {
    const auto seed = static_cast<std::uint64_t>(10 * r + 1);
    const auto x = noise(seed) + unit(kWidth, 0) * 0.2;
    const auto y = noise(seed + 5) +
                   (unit(kWidth, 0) + unit(kWidth, 1)) * 0.2 / std::sqrt(2.0);
    const double truth = 1.0 / std::sqrt(2.0);
    const auto holds = [&](const CrossItemCosine& got) {
      return got.cosine.value && *got.cosine.low <= truth &&
                     truth <= *got.cosine.high
                 ? 1
                 : 0;
    };
    by_unit += holds(
        cross_item_cosine(unit_sums(x, units), unit_sums(y, units), items));
    by_question += holds(cross_item_cosine(x, y, same_items(x.size(0))));
  }
  EXPECT_GE(by_unit, 108);      // 90 %
  EXPECT_LE(by_question, 102);  // 85 %
}

TEST(UnitRows, CountPairsOfUnitsThatOverlapInPart) {
  // x has two questions of a, y one of them and one of e.
  const auto x = row_units(std::vector<std::string>{"1", "2", "3"},
                           std::vector<std::string>{"a", "a", "b"});
  const auto y = row_units(std::vector<std::string>{"2", "4", "3"},
                           std::vector<std::string>{"a", "e", "b"});
  const auto both = unite_units(std::vector<std::string>{"1", "2", "3"}, x,
                                std::vector<std::string>{"2", "4", "3"}, y);
  EXPECT_EQ(both.num_common, 2 * 1 + 1 * 1);
  EXPECT_EQ(both.num_questions, 4);
  EXPECT_EQ(both.x.size(), 3U);
}

}  // namespace
}  // namespace veer
