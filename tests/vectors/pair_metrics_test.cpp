// SPDX-License-Identifier: MIT
#include "veer/vectors/pair_metrics.h"

#include <gtest/gtest.h>

#include "vectors/planted.h"

namespace veer {
namespace {

TEST(DebiasedCka, IsOneForEqualAndSmallForUnrelatedRows) {
  // 400 dimensions and 40 items: the plain form would be above 0.9 here.
  const auto x = normal_matrix(40, 400, 1);
  const auto y = normal_matrix(40, 400, 2);
  const auto factors = normal_matrix(40, 3, 3);
  const auto items = same_items(40);
  const auto structured = x + factors.mm(normal_matrix(3, 400, 4)) * 3.0;
  EXPECT_NEAR(debiased_cka(structured, structured, items).value(), 1.0, 1e-9);
  const auto other =
      y + normal_matrix(40, 3, 5).mm(normal_matrix(3, 400, 6)) * 3.0;
  EXPECT_LT(std::abs(debiased_cka(structured, other, items).value()), 0.2);
  const auto same_factors = y + factors.mm(normal_matrix(3, 400, 7)) * 3.0;
  EXPECT_GT(debiased_cka(structured, same_factors, items).value(), 0.7);
  EXPECT_FALSE(debiased_cka(x.narrow(0, 0, 3), y.narrow(0, 0, 3), same_items(3))
                   .has_value());
}

TEST(CompareSubspaces, FindsASharedPlane) {
  const auto plane = normal_matrix(2, 30, 8);
  const auto rows = [&](std::uint64_t seed) {
    return normal_matrix(60, 2, seed).mm(plane) +
           normal_matrix(60, 30, seed + 1) * 0.01;
  };
  const auto ids = item_ids(60);
  const auto shared = compare_subspaces(rows(10), ids, rows(20), ids, 2);
  ASSERT_EQ(shared.principal_cosines.size(), 2U);
  EXPECT_GT(shared.principal_cosines[1], 0.99);
  const auto noise =
      compare_subspaces(rows(10), ids, normal_matrix(60, 30, 30), ids, 2);
  EXPECT_LT(noise.principal_cosines[1], 0.7);
  EXPECT_TRUE(compare_subspaces(rows(10), ids, rows(20), ids, 40)
                  .principal_cosines.empty());
}

TEST(OrdinaryDimensions, MarksTheMassiveOnes) {
  const auto mask = ordinary_dimensions(from_vector({1, -1, 2, 50, -1}));
  EXPECT_TRUE(mask.equal(from_vector({1, 1, 1, 0, 1})));
}

}  // namespace
}  // namespace veer
