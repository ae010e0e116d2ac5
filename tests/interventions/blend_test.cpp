// SPDX-License-Identifier: MIT
#include "veer/interventions/blend.h"

#include <gtest/gtest.h>

#include "interventions/support.h"

namespace veer {
namespace {

using testing::normal;

// [3, 24] without a direction at layer 1.
at::Tensor with_hole(std::uint64_t seed) {
  auto out = normal({3, 24}, seed);
  out[1].zero_();
  return out;
}

bool is_zero(const at::Tensor& row_D) {
  return (row_D == 0).all().item<bool>();
}

TEST(Blend, HasNoDirectionWhereAPartHasNone) {
  const at::Tensor parts[] = {normal({3, 24}, 1), with_hole(2)};
  const double half[] = {0.5, 0.5};
  const auto mixed = blend(parts, half);
  EXPECT_TRUE(is_zero(mixed[1]));
  EXPECT_FALSE(is_zero(mixed[0]));
  // What has no weight is no part.
  const double all_of_one[] = {1.0, 0.0};
  EXPECT_FALSE(is_zero(blend(parts, all_of_one)[1]));
}

TEST(SplitAlong, HasNoPartsWhereOneOfTheTwoIsMissing) {
  const auto whole = normal({3, 24}, 1);
  const auto split = split_along(whole, with_hole(2));
  EXPECT_TRUE(is_zero(split.parallel_LD[1]));
  EXPECT_TRUE(is_zero(split.perpendicular_LD[1]));
  EXPECT_TRUE(
      (split.parallel_LD + split.perpendicular_LD)[0].allclose(whole[0]));
  EXPECT_TRUE(is_zero(split_along(with_hole(2), whole).parallel_LD[1]));
}

}  // namespace
}  // namespace veer
