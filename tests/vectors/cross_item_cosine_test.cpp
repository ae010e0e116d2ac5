// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/pow.h>
#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/base/error.h"
#include "veer/vectors/item_statistics.h"

namespace veer {
namespace {

struct Means {
  double a = 0, b = 0, c = 0;  // mean products of different items

  double cosine() const { return c / std::sqrt(a * b); }
};

// The definition, by double loops over items of the union.
Means by_definition(const at::Tensor& x, const at::Tensor& y,
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
  return {A / na, B / nb, C / nc};
}

double jackknife_variance(const std::vector<double>& left_out) {
  const auto n = static_cast<double>(left_out.size());
  double mean = 0.0;
  for (const double t : left_out) {
    mean += t / n;
  }
  double squares = 0.0;
  for (const double t : left_out) {
    squares += (t - mean) * (t - mean);
  }
  return (n - 1) / n * squares;
}

void expect_definition(const at::Tensor& x, const at::Tensor& y,
                       const ItemUnion& items) {
  const auto got = cross_item_cosine(x, y, items);
  ASSERT_TRUE(got.cosine.established());
  const std::size_t nobody = 1000000;
  const Means all = by_definition(x, y, items, nobody);
  EXPECT_NEAR(got.uncorrected, all.cosine(), 1e-12);
  // The jackknife's variance of product minus rho times length.
  for (const double rho : {0.0, all.cosine()}) {
    std::vector<double> distances;
    for (std::size_t u = 0; u < items.x.size(); ++u) {
      const Means some = by_definition(x, y, items, u);
      distances.push_back(some.c / std::sqrt(all.a * all.b) -
                          rho * 0.5 * (some.a / all.a + some.b / all.b));
    }
    EXPECT_NEAR(got.error->variance().at(rho), jackknife_variance(distances),
                1e-12);
  }
  // The ends, before what no cosine is is cut off, are where the data begin to
  // reject.
  const auto bounds = got.error->interval(0.95);
  ASSERT_TRUE(bounds.has_value());
  for (const auto& [end, sign] :
       {std::pair{bounds->low, 1.0}, std::pair{bounds->high, -1.0}}) {
    const double beyond = end - sign * 1e-6;
    const double within = end + sign * 1e-6;
    const auto rejects = [&](double rho) {
      const auto points = got.error->points(rho, 0.025);
      const double t = got.error->t(rho);
      return t < points.low || t > points.high;
    };
    EXPECT_TRUE(rejects(beyond));
    EXPECT_FALSE(rejects(within));
  }
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
  // Reliability 0.65 in 400 dimensions.
  std::vector<double> values;
  double error = 0.0;
  const int draws = 300;
  for (int r = 0; r < draws; ++r) {
    const auto x = noisy_rows(unit(400, 0) * 5.0, 30, 1.0, 1000 + r);
    const auto y = noisy_rows(unit(400, 1) * 5.0, 30, 1.0, 9000 + r);
    const auto got = cross_item_cosine(x, y, same_items(30));
    values.push_back(*got.cosine.value);
    error += got.standard_error / draws;
  }
  double squares = 0.0;
  for (const double v : values) {
    squares += v * v / draws;
  }
  EXPECT_NEAR(error / std::sqrt(squares), 1.0, 0.12);  // SE of the ratio 0.04
}

TEST(CrossItemCosine, SaysWhenADirectionIsNotEstablished) {
  // Rows that cancel: the mean is zero, A is negative.
  const auto x = matrix(4, 2, {1, 0, -1, 0, 0, 1, 0, -1});
  const auto y = noisy_rows(unit(2, 0), 4, 0.1, 5);
  const auto got = cross_item_cosine(x, y, same_items(4));
  EXPECT_FALSE(got.cosine.established());
  EXPECT_FALSE(got.cosine.reason.empty());
  EXPECT_EQ(got.error, nullptr);
  EXPECT_FALSE(
      cross_item_cosine(y.narrow(0, 0, 2), y.narrow(0, 0, 2), same_items(2))
          .cosine.established());
}

TEST(CrossItemCosine, RepeatedItemsAreRefused) {
  const std::vector<std::string> ids = {"a", "a"};
  EXPECT_THROW(unite_items(ids, item_ids(2)), Error);
  EXPECT_THROW(unite_items(item_ids(2), ids), Error);
}

TEST(CrossItemCosine, ItsTestsAgreeWithItsInterval) {
  int rejected = 0;
  for (int r = 0; r < 60; ++r) {
    const auto x = noisy_rows(unit(20, 0) * 2.0, 25, 1.0, 300 + r);
    const auto y =
        noisy_rows(unit(20, 1) * 2.0 + unit(20, 0) * 0.3, 25, 1.0, 600 + r);
    const auto got = cross_item_cosine(x, y, same_items(25));
    ASSERT_TRUE(got.cosine.established());
    const bool outside = *got.cosine.low > 0.0 || *got.cosine.high < 0.0;
    EXPECT_EQ(got.error->zero_p() < 0.05, outside);
    rejected += outside ? 1 : 0;
    // What is equivalent to zero within the margin has its 90 % interval there.
    const auto inner = got.error->interval(0.90).value();
    if (got.error->equivalence_p(0.4) < 0.05) {
      EXPECT_LT(inner.high, 0.4);
      EXPECT_GT(inner.low, -0.4);
    }
  }
  EXPECT_GT(rejected, 3);
  EXPECT_LT(rejected, 57);
}

TEST(CrossItemCosine, EquivalenceNeedsTheIntervalInsideTheMargin) {
  const auto cosine_of = [](double overlap) {
    return cross_item_cosine(
        noisy_rows(unit(20, 0) * 9.0, 60, 1.0, 1),
        noisy_rows(unit(20, 1) * 9.0 + unit(20, 0) * overlap, 60, 1.0, 2),
        same_items(60));
  };
  EXPECT_LT(cosine_of(0.0).error->equivalence_p(0.1), 0.01);
  EXPECT_GT(cosine_of(2.0).error->equivalence_p(0.1), 0.5);
  EXPECT_GT(cosine_of(-2.0).error->equivalence_p(0.1), 0.5);
  EXPECT_LT(cosine_of(2.0).error->zero_p(), 1e-6);
}

TEST(CrossItemCosine, IntervalHoldsWhereFewDimensionsHoldTheNoise) {
  // Cosine 0.9, reliability 0.8, noise of spectrum j^-2 that both share in
  // part. 400 draws, SE of the share 0.011; with the error at the estimate
  // itself a tenth of the intervals missed.
  const auto j = at::arange(1, 65, at::kDouble);
  const auto sd_D = j.pow(-2).div(j.pow(-2).sum()).sqrt();
  const double length = std::sqrt(4.0 / 60.0);
  int outside = 0;
  const int draws = 400;
  for (int r = 0; r < draws; ++r) {
    const auto axes = normal_matrix(2, 64, 20000 + r);
    const auto first = axes[0] / axes[0].norm();
    const auto across = axes[1] - first * axes[1].dot(first);
    const auto second =
        first * 0.9 + across / across.norm() * std::sqrt(1.0 - 0.81);
    const auto x = normal_matrix(60, 64, 30000 + r);
    const auto y = x * 0.7 + normal_matrix(60, 64, 40000 + r) * std::sqrt(0.51);
    const auto got = cross_item_cosine(
        x * sd_D + first * length, y * sd_D + second * length, same_items(60));
    outside +=
        got.cosine.value && (*got.cosine.low > 0.9 || *got.cosine.high < 0.9)
            ? 1
            : 0;
  }
  EXPECT_LE(outside, (0.05 + 2 * 0.011) * draws);
  // Nor too wide: with Student's point of the uncorrected variance 1 % missed.
  EXPECT_GE(outside, (0.05 - 3 * 0.011) * draws);
}

TEST(CrossItemCosine, HasNoBiasWhereOneDimensionHoldsTheNoise) {
  // Cosine 0, reliability 0.8, spectrum j^-2, 2,000 draws: SE of the mean
  // 0.004. With all of the pair part taken off the bias it was -0.034.
  const auto j = at::arange(1, 65, at::kDouble);
  const auto sd_D = j.pow(-2).div(j.pow(-2).sum()).sqrt();
  const double length = std::sqrt(4.0 / 20.0);
  double sum = 0.0;
  int established = 0;
  for (int r = 0; r < 2000; ++r) {
    const auto axes = normal_matrix(2, 64, 50000 + r);
    const auto first = axes[0] / axes[0].norm();
    const auto across = axes[1] - first * axes[1].dot(first);
    const auto x = normal_matrix(20, 64, 60000 + r);
    const auto y = x * 0.7 + normal_matrix(20, 64, 70000 + r) * std::sqrt(0.51);
    const auto got = cross_item_cosine(
        x * sd_D + first * length, y * sd_D + across / across.norm() * length,
        same_items(20));
    sum += got.cosine.value.value_or(0.0);
    established += got.cosine.value ? 1 : 0;
  }
  EXPECT_NEAR(sum / established, 0.0, 0.01 + 2 * 0.004);
}

TEST(CrossItemCosine, ValueLiesWithinItsInterval) {
  // Reliability of one half: here and there the bias is larger than the error.
  int biased = 0;
  for (int r = 0; r < 400; ++r) {
    const auto x = noisy_rows(unit(40, 0) * 2.0, 10, 1.0, 1000 + r);
    const auto y = x * 0.7 + noisy_rows(unit(40, 1) * 2.0 - unit(40, 0) * 1.4,
                                        10, 0.7, 2000 + r);
    const auto got = cross_item_cosine(x, y, same_items(10));
    if (got.cosine.established()) {
      EXPECT_LE(*got.cosine.low, *got.cosine.value);
      EXPECT_GE(*got.cosine.high, *got.cosine.value);
    }
    biased +=
        got.cosine.reason.find("bias is larger") != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(biased, 0);
  EXPECT_LT(biased, 20);
}

TEST(CrossItemCosine, IntervalWithoutAnEndIsNotEstablished) {
  // Reliability far below one half, yet A and B happen to be positive.
  int endless = 0;
  for (int r = 0; r < 200; ++r) {
    const auto x = noisy_rows(unit(3, 0) * 0.4, 8, 1.0, 500 + r);
    const auto y = noisy_rows(unit(3, 0) * 0.4, 8, 1.0, 700 + r);
    const auto got = cross_item_cosine(x, y, same_items(8));
    if (got.cosine.reason.find("within noise") != std::string::npos) {
      ++endless;
      EXPECT_FALSE(got.cosine.established());
      EXPECT_EQ(got.error, nullptr);
    }
  }
  EXPECT_GT(endless, 0);
}

// A tool that prints "[-0.09, +3.15]" of a cosine is not believed.
TEST(CrossItemCosine, IntervalHoldsNothingThatNoCosineIs) {
  int at_the_border = 0;
  for (int r = 0; r < 200; ++r) {
    const auto x = noisy_rows(unit(3, 0) * 0.8, 8, 1.0, 500 + r);
    const auto y = noisy_rows(unit(3, 0) * 0.8, 8, 1.0, 700 + r);
    const auto got = cross_item_cosine(x, y, same_items(8)).cosine;
    if (got.established()) {
      EXPECT_GE(*got.low, std::min(-1.0, *got.value));
      EXPECT_LE(*got.high, std::max(1.0, *got.value));
      at_the_border += *got.high == 1.0 ? 1 : 0;
    }
  }
  EXPECT_GT(at_the_border, 0);
}

}  // namespace
}  // namespace veer
