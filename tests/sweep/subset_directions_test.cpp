// SPDX-License-Identifier: MIT
#include "veer/sweep/subset_directions.h"

#include <set>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// Question i has the difference 2^i at layer 0 and 2 * 2^i at layer 1.
VectorRows powers(std::int64_t n) {
  VectorRows rows;
  const auto column_N = at::arange(n, at::kFloat).exp2();
  for (const double factor : {1.0, 2.0}) {
    rows.positive.push_back(column_N.mul(factor).unsqueeze(1));
    rows.negative.push_back(at::zeros({n, 1}, at::kFloat));
  }
  rows.ids.resize(static_cast<std::size_t>(n));
  return rows;
}

TEST(SubsetDirections, IsTheMeanOfSoManyQuestions) {
  const auto rows = powers(10);
  std::set<double> seen;
  for (const char* name : {"subset-3-1|v", "subset-3-2|v", "subset-3-3|v"}) {
    const auto got_LD = subset_directions(rows, 3, name, 1);
    const double sum = 3.0 * got_LD[0][0].item<double>();
    // Three different powers of two: three bits.
    const auto bits = static_cast<unsigned>(sum + 0.5);
    EXPECT_EQ(__builtin_popcount(bits), 3) << sum;
    EXPECT_DOUBLE_EQ(got_LD[1][0].item<double>(),
                     2.0 * got_LD[0][0].item<double>());
    seen.insert(sum);
  }
  EXPECT_GT(seen.size(), 1U);  // draws differ
  EXPECT_TRUE(at::equal(subset_directions(rows, 3, "a", 1),
                        subset_directions(rows, 3, "a", 1)));
}

TEST(SubsetDirections, RefusesMoreThanThereAre) {
  EXPECT_THROW(subset_directions(powers(4), 5, "a", 1), Error);
  EXPECT_THROW(subset_directions(powers(4), 0, "a", 1), Error);
}

}  // namespace
}  // namespace veer
