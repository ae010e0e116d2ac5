// SPDX-License-Identifier: MIT
#include <cmath>

#include <ATen/ops/cat.h>
#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/base/error.h"
#include "veer/vectors/distributions.h"
#include "veer/vectors/item_statistics.h"

namespace veer {
namespace {

// The definition, by double loops over items of the union.
double by_definition(const at::Tensor& x, const at::Tensor& y,
                     const ItemUnion& items, std::size_t skip) {
  double A = 0, B = 0, C = 0;
  double na = 0, nb = 0, nc = 0;
  for (std::size_t u = 0; u < items.x.size(); ++u) {
    for (std::size_t w = 0; w < items.x.size(); ++w) {
      if (u == w || u == skip || w == skip) {
        continue;
      }
      if (items.x[u] >= 0 && items.x[w] >= 0) {
        A += x[items.x[u]].dot(x[items.x[w]]).item<double>();
        ++na;
      }
      if (items.y[u] >= 0 && items.y[w] >= 0) {
        B += y[items.y[u]].dot(y[items.y[w]]).item<double>();
        ++nb;
      }
      if (items.x[u] >= 0 && items.y[w] >= 0) {
        C += x[items.x[u]].dot(y[items.y[w]]).item<double>();
        ++nc;
      }
    }
  }
  return (C / nc) / std::sqrt(A / na * (B / nb));
}

void expect_definition(const at::Tensor& x, const at::Tensor& y,
                       const ItemUnion& items) {
  const auto got = cross_item_cosine(x, y, items);
  ASSERT_TRUE(got.cosine.established());
  const std::size_t nobody = 1000000;
  EXPECT_NEAR(got.uncorrected, by_definition(x, y, items, nobody), 1e-12);
  std::vector<double> left_out;
  double mean = 0.0;
  const auto n = static_cast<double>(items.x.size());
  for (std::size_t u = 0; u < items.x.size(); ++u) {
    left_out.push_back(by_definition(x, y, items, u));
    mean += left_out.back() / n;
  }
  double squares = 0.0;
  for (const double t : left_out) {
    squares += (t - mean) * (t - mean);
  }
  EXPECT_NEAR(got.jackknife_error, std::sqrt((n - 1) / n * squares), 1e-12);
  EXPECT_LE(got.standard_error, got.jackknife_error);
  EXPECT_GE(got.standard_error, got.jackknife_error / std::sqrt(2.0) - 1e-12);
  EXPECT_NEAR(*got.cosine.high - *got.cosine.value,
              t_point(0.025, n - 1) * got.standard_error, 1e-12);
}

TEST(CrossItemCosine, IsItsDefinitionOnSharedItems) {
  const auto x = noisy_rows(unit(5, 0) * 2.0, 7, 1.0, 1);
  const auto y = noisy_rows(unit(5, 0) + unit(5, 1), 7, 0.5, 2) + x * 0.3;
  expect_definition(x, y, same_items(7));
}

TEST(CrossItemCosine, IsItsDefinitionOnPartlySharedItems) {
  const auto x = noisy_rows(unit(4, 0) * 2.0, 6, 0.5, 3);
  const auto y = noisy_rows(unit(4, 0) * 2.0 + unit(4, 2), 5, 0.5, 4);
  const auto x_ids = item_ids(6, 0);
  const auto y_ids = item_ids(5, 3);  // q3 q4 q5 are common
  const auto items = unite_items(x_ids, y_ids);
  EXPECT_EQ(items.num_common, 3);
  EXPECT_EQ(items.x.size(), 8U);
  expect_definition(x, y, items);
}

TEST(CrossItemCosine, OfRowsWithoutNoiseIsTheCosine) {
  const auto x = (unit(3, 0) * 2.0).expand({5, 3}).contiguous();
  const auto y =
      (unit(3, 0) * 3.0 + unit(3, 1) * 4.0).expand({5, 3}).contiguous();
  const auto got = cross_item_cosine(x, y, same_items(5));
  EXPECT_NEAR(*got.cosine.value, 0.6, 1e-12);
  EXPECT_NEAR(got.standard_error, 0.0, 1e-12);
}

TEST(CrossItemCosine, SharedNoiseDoesNotPullItUp) {
  // Two orthogonal means, the same noise on both: the plain cosine is far from
  // zero, the cross-item one is not. 400 draws, SE of their mean 0.004.
  double plain = 0.0;
  double crossed = 0.0;
  const int draws = 400;
  for (int r = 0; r < draws; ++r) {
    const auto noise = normal_matrix(40, 64, 100 + r);
    const auto x = noise + unit(64, 0) * 2.0;
    const auto y = noise + unit(64, 1) * 2.0;
    plain += plain_cosine(x.mean(0), y.mean(0)).value() / draws;
    crossed +=
        cross_item_cosine(x, y, same_items(40)).cosine.value.value() / draws;
  }
  EXPECT_GT(plain, 0.25);
  EXPECT_NEAR(crossed, 0.0, 0.015);
}

TEST(CrossItemCosine, StandardErrorIsTheSpreadOverDraws) {
  // Reliability 0.65 in 400 dimensions: the plain jackknife is about a tenth
  // too wide.
  std::vector<double> values;
  double error = 0.0;
  double jackknife = 0.0;
  const int draws = 300;
  for (int r = 0; r < draws; ++r) {
    const auto x = noisy_rows(unit(400, 0) * 5.0, 30, 1.0, 1000 + r);
    const auto y = noisy_rows(unit(400, 1) * 5.0, 30, 1.0, 9000 + r);
    const auto got = cross_item_cosine(x, y, same_items(30));
    values.push_back(*got.cosine.value);
    error += got.standard_error / draws;
    jackknife += got.jackknife_error / draws;
  }
  double squares = 0.0;
  for (const double v : values) {
    squares += v * v / draws;
  }
  EXPECT_NEAR(error / std::sqrt(squares), 1.0, 0.12);  // SE of the ratio 0.04
  EXPECT_GT(jackknife, error * 1.05);
}

TEST(CrossItemCosine, SaysWhenADirectionIsNotEstablished) {
  // Rows that cancel: the mean is zero, A is negative.
  const auto x = matrix(4, 2, {1, 0, -1, 0, 0, 1, 0, -1});
  const auto y = noisy_rows(unit(2, 0), 4, 0.1, 5);
  const auto got = cross_item_cosine(x, y, same_items(4));
  EXPECT_FALSE(got.cosine.established());
  EXPECT_FALSE(got.cosine.reason.empty());
  EXPECT_FALSE(zero_p(got).has_value());
  EXPECT_FALSE(equivalence_p(got, 0.1).has_value());
  EXPECT_FALSE(
      cross_item_cosine(y.narrow(0, 0, 2), y.narrow(0, 0, 2), same_items(2))
          .cosine.established());
}

TEST(CrossItemCosine, RepeatedItemsAreRefused) {
  const std::vector<std::string> ids = {"a", "a"};
  EXPECT_THROW(unite_items(ids, item_ids(2)), Error);
  EXPECT_THROW(unite_items(item_ids(2), ids), Error);
}

TEST(EquivalenceTest, NeedsTheIntervalInsideTheMargin) {
  CrossItemCosine narrow;
  narrow.cosine.value = 0.02;
  narrow.standard_error = 0.02;
  narrow.degrees = 50;
  EXPECT_NEAR(equivalence_p(narrow, 0.1).value(), t_upper_tail(4.0, 50), 1e-15);
  EXPECT_NEAR(zero_p(narrow).value(), 2 * t_upper_tail(1.0, 50), 1e-15);
  CrossItemCosine outside = narrow;
  outside.cosine.value = -0.2;
  EXPECT_GT(equivalence_p(outside, 0.1).value(), 0.5);
}

}  // namespace
}  // namespace veer
