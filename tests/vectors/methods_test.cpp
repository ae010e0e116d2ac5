// SPDX-License-Identifier: MIT
#include "veer/vectors/methods.h"

#include <cmath>

#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/base/error.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/logistic_probe.h"
#include "veer/vectors/shrunk_covariance.h"

namespace veer {
namespace {

at::Tensor fit(const char* name, const TwoSides& sides) {
  return fit_direction(find_method(name), sides).direction_D;
}

TwoSides planted_sides(std::int64_t n, std::int64_t width) {
  const auto base = normal_matrix(n, width, 5);
  return {
      base + unit(width, 0) * 4.0 + normal_matrix(n, width, 6) * 0.1, base, {}};
}

TEST(Methods, MeanDifferenceIsTheMeanOfThePairs) {
  const TwoSides sides{
      matrix(2, 2, {2, 0, 4, 2}), matrix(2, 2, {1, 0, 1, 0}), {}};
  EXPECT_TRUE(fit("mean_diff", sides).equal(from_vector({2, 1})));
  EXPECT_TRUE(fit("single_pair", sides).equal(from_vector({1, 0})));
}

TEST(Methods, AllFindAPlantedDirection) {
  const auto sides = planted_sides(40, 12);
  for (const char* name :
       {"mean_diff", "pca_uncentred", "pca_lat", "pca_center", "mass_mean"}) {
    EXPECT_GT(plain_cosine(fit(name, sides), unit(12, 0)).value(), 0.95)
        << name;
  }
  // A penalised probe on 40 noisy items leans on chance dimensions too.
  EXPECT_GT(plain_cosine(fit("logistic", sides), unit(12, 0)).value(), 0.9);
}

TEST(Methods, SwappedSidesNegateTheDirection) {
  const auto sides = planted_sides(20, 6);
  const TwoSides swapped{sides.negative_ND, sides.positive_ND, {}};
  for (const char* name : {"mean_diff", "pca_diff", "pca_uncentred", "pca_lat",
                           "pca_center", "logistic", "mass_mean"}) {
    const auto sum = fit(name, sides) + fit(name, swapped);
    EXPECT_LT(sum.norm().item<double>(), 1e-9) << name;
  }
}

TEST(Methods, PcaOfCentredDifferencesFindsTheSpreadNotTheMean) {
  const auto along = matrix(8, 1, {3, -3, 1, -1, 2, -2, 1, -1});
  const TwoSides sides{along.mm(unit(4, 1).unsqueeze(0)) + unit(4, 0) * 9.0,
                       matrix(8, 4, std::vector<double>(32, 0.0)),
                       {}};
  const auto fitted = fit_direction(find_method("pca_diff"), sides);
  EXPECT_NEAR(std::abs(fitted.direction_D[1].item<double>()), 1.0, 1e-12);
  EXPECT_NEAR(fitted.explained.value(), 1.0, 1e-12);
  EXPECT_NEAR(fit("pca_uncentred", sides)[0].item<double>(), 1.0, 1e-12);
}

TEST(Methods, PcaIsTheSameThroughEitherGramMatrix) {
  // Wide data, then the same data with rows repeated until there are more rows
  // than dimensions.
  const auto wide = planted_sides(10, 14);
  const TwoSides tall{
      wide.positive_ND.repeat({2, 1}), wide.negative_ND.repeat({2, 1}), {}};
  for (const char* name : {"pca_diff", "pca_uncentred", "pca_center"}) {
    EXPECT_LT((fit(name, wide) - fit(name, tall)).norm().item<double>(), 1e-9)
        << name;
  }
}

TEST(Methods, ControlsHaveTheNormOfTheMeanDifference) {
  const auto sides = planted_sides(16, 10);
  const double norm = fit("mean_diff", sides).norm().item<double>();
  for (const char* name : {"random_isotropic", "random_covariance",
                           "random_labels", "random_difference"}) {
    const auto v = fit(name, sides);
    EXPECT_NEAR(v.norm().item<double>(), norm, 1e-9) << name;
    EXPECT_TRUE(v.equal(fit(name, sides))) << name;
  }
}

TEST(Methods, ShuffledLabelsAreNeverConstant) {
  // All labels kept, or all swapped, would be the direction itself and no
  // control of it. Of three labels a quarter of all draws is constant.
  const auto rows_ND = at::eye(3, at::kDouble);
  const TwoSides sides{rows_ND, at::zeros_like(rows_ND), {}};
  const auto mean_D = rows_ND.mean(0);
  for (std::int64_t seed = 0; seed < 64; ++seed) {
    MethodOptions options;
    options.seed = seed;
    const auto control_D =
        fit_direction(find_method("random_labels"), sides, options).direction_D;
    const double cosine = *plain_cosine(control_D, mean_D);
    EXPECT_NEAR(std::abs(cosine), 1.0 / 3.0, 1e-12) << seed;
  }
}

TEST(Methods, RefuseWhatMeansNothing) {
  const auto sides = planted_sides(10, 4);
  const TwoSides same{sides.positive_ND, sides.positive_ND, {}};
  EXPECT_THROW(fit("pca_diff", same), Error);
  EXPECT_EQ(fit("mean_diff", same).norm().item<double>(), 0.0);
  const TwoSides few{
      sides.positive_ND.narrow(0, 0, 7), sides.negative_ND.narrow(0, 0, 7), {}};
  EXPECT_THROW(fit("logistic", few), Error);
  const TwoSides uneven{sides.positive_ND, few.negative_ND, {}};
  EXPECT_THROW(fit("mean_diff", uneven), Error);
  auto broken = sides;
  broken.positive_ND = sides.positive_ND.clone();
  broken.positive_ND[0][0].fill_(NAN);
  EXPECT_THROW(fit("mean_diff", broken), Error);
  EXPECT_THROW(fit("mean_centred", sides), Error);
  EXPECT_THROW(find_method("mean"), Error);
}

TEST(Methods, FewerPairsThanAMethodNeedsAreAnError) {
  const auto sides = planted_sides(10, 4);
  for (const auto& method : methods()) {
    const auto few = [&](std::int64_t n) {
      return TwoSides{sides.positive_ND.narrow(0, 0, n),
                      sides.negative_ND.narrow(0, 0, n),
                      {}};
    };
    EXPECT_THROW(fit_direction(method, few(method.min_items - 1)), Error)
        << method.name;
  }
}

TEST(Methods, SidesThatAreZeroGiveNoDirection) {
  const auto zero_ND = normal_matrix(10, 4, 1) * 0.0;
  for (const auto& method : methods()) {
    if (method.name == "mean_diff") {
      continue;  // stands for every difference and says zero
    }
    EXPECT_THROW(fit_direction(method, {zero_ND, zero_ND, zero_ND[0]}), Error)
        << method.name;
  }
}

TEST(LogisticProbe, SolvesTheOneDimensionalProblem) {
  // z = +-1: the optimum solves sigmoid(-w) = 2 l2 w; l2 = 1/2 gives
  // w = 0.401058. The rows are +-2, so sd = 2.
  const auto v =
      logistic_direction(matrix(2, 1, {2, 2}), matrix(2, 1, {-2, -2}), 0.5);
  EXPECT_NEAR(v[0].item<double>(), 0.401058137542 / 2.0, 1e-9);
  EXPECT_THROW(logistic_direction(v.unsqueeze(0), v.unsqueeze(0), 0.0), Error);
  EXPECT_THROW(logistic_direction(v.unsqueeze(0), v.unsqueeze(0), 1.0), Error);
}

TEST(LogisticProbe, WideAndTallDataGiveTheSameOptimum) {
  // Repeating every row changes the number of rows, not the objective.
  const auto p = noisy_rows(unit(12, 0), 5, 1.0, 31);
  const auto n = noisy_rows(unit(12, 1), 5, 1.0, 32);
  const auto wide = logistic_direction(p, n, 0.05);
  const auto tall =
      logistic_direction(p.repeat({3, 1}), n.repeat({3, 1}), 0.05);
  EXPECT_LT((wide - tall).norm().item<double>(), 1e-8);
}

TEST(ShrunkCovariance, BothRoutesInvertTheMatrix) {
  for (const std::int64_t n : {6, 40}) {
    auto rows = normal_matrix(n, 10, 41);
    rows = rows - rows.mean(0);
    const auto v = normal_matrix(1, 10, 42).select(0, 0);
    const ShrunkCovariance covariance(rows, 0.3);
    const auto plain = rows.t().mm(rows) / static_cast<double>(n);
    const double ridge = 0.3 * plain.trace().item<double>() / 10.0;
    const auto matrix_DD = plain * 0.7 + at::eye(10, rows.options()) * ridge;
    const auto expected = at::linalg_solve(matrix_DD, v);
    EXPECT_LT((covariance.solve(v) - expected).norm().item<double>(), 1e-9)
        << n;
  }
}

TEST(ShrunkCovariance, SingularIsAnError) {
  const auto rows = normal_matrix(4, 10, 43);
  EXPECT_THROW(ShrunkCovariance(rows, 0.0), Error);
  EXPECT_THROW(ShrunkCovariance(rows * 0.0), Error);
  EXPECT_GT(ShrunkCovariance(rows).shrinkage(), 0.0);
}

TEST(DifferenceSubspace, HasOrthonormalRowsUpToTheRank) {
  const auto rows = matrix(3, 4, {2, 0, 0, 0, 0, 1, 0, 0, 2, 1, 0, 0});
  const auto axes = difference_subspace(rows, 4);
  ASSERT_EQ(axes.size(0), 2);
  EXPECT_LT(
      (axes.mm(axes.t()) - at::eye(2, axes.options())).norm().item<double>(),
      1e-12);
  EXPECT_EQ(difference_subspace(rows * 0.0, 2).size(0), 0);
}

}  // namespace
}  // namespace veer
