// SPDX-License-Identifier: MIT
#include "veer/vectors/two_by_two.h"

#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/base/error.h"

namespace veer {
namespace {

TEST(TwoByTwo, SplitsEnergyAsPlanted) {
  // Content along axis 0 (length 2), model along axis 1 (length 1),
  // interaction along axis 2 (length 2: |x|^2 / 4 = 1). Cells differ from the
  // centre by +-1/2 of each.
  const auto c = unit(3, 0) * 2.0;
  const auto m = unit(3, 1);
  const auto x = unit(3, 2) * 2.0;
  const auto cell = [&](double answer, double model) {
    const auto mean =
        c * (answer / 2) + m * (model / 2) + x * (answer * model / 4);
    return mean.expand({4, 3}).contiguous();
  };
  const auto table =
      two_by_two(cell(-1, -1), cell(1, -1), cell(-1, 1), cell(1, 1));
  EXPECT_NEAR(table.content, 4.0, 1e-12);
  EXPECT_NEAR(table.model, 1.0, 1e-12);
  EXPECT_NEAR(table.interaction, 1.0, 1e-12);
  EXPECT_NEAR(table.content_share.value(), 4.0 / 6.0, 1e-12);
  EXPECT_NEAR(table.interaction_share.value(), 1.0 / 6.0, 1e-12);
}

TEST(TwoByTwo, NoiseAloneIsNotEstablished) {
  const auto zero = matrix(2, 2, {1, 0, -1, 0});
  const auto table = two_by_two(zero * 0.0, zero, zero * 0.0, zero);
  EXPECT_LT(table.content, 0.0);
  EXPECT_FALSE(table.content_share.has_value());
  EXPECT_FALSE(table.model_share.has_value());
  EXPECT_THROW(two_by_two(zero, zero, zero, matrix(1, 2, {0, 0})), Error);
}

}  // namespace
}  // namespace veer
