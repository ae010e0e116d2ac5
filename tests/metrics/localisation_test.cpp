// SPDX-License-Identifier: MIT
#include "veer/metrics/localisation.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "veer/metrics/measure_of.h"

namespace veer {
namespace {

TEST(Localisation, IsTheSmallestShareWithFourFifths) {
  const std::vector<double> peaked = {0.0, 0.9, 0.1, 0.05};
  EXPECT_DOUBLE_EQ(localisation(peaked), 0.25);
  const std::vector<double> even(4, 0.5);
  EXPECT_DOUBLE_EQ(localisation(even), 1.0);
  const std::vector<double> none = {-1.0, 0.0};
  EXPECT_TRUE(std::isnan(localisation(none)));
}

TEST(Localisation, QuestionsCarryItsDoubt) {
  // One layer acts on every question: no draw says anything else.
  std::vector<std::vector<double>> sure(4, std::vector<double>(20, 0.0));
  sure[1].assign(20, 1.0);
  const auto known = localisation_by_question(sure, 1);
  EXPECT_DOUBLE_EQ(known.value, 0.25);
  EXPECT_DOUBLE_EQ(known.low, 0.25);
  EXPECT_DOUBLE_EQ(known.high, 0.25);
  // A second one on a few: some draws need it for four fifths.
  sure[2] = std::vector<double>(20, 0.0);
  for (int q = 0; q < 5; ++q) {
    sure[2][static_cast<std::size_t>(q)] = 1.0;
  }
  const auto open = localisation_by_question(sure, 1);
  EXPECT_DOUBLE_EQ(open.low, 0.25);
  EXPECT_DOUBLE_EQ(open.high, 0.5);
  EXPECT_FALSE(localisation_by_question({}, 1).defined());
}

TEST(MeasureOf, HasNoNumberThatIsNotFinite) {
  EXPECT_FALSE(measure_of({}).value.has_value());
  const auto open = measure_of(
      {1.0, 0.5, std::numeric_limits<double>::infinity(), 40, "test"});
  EXPECT_EQ(open.low, 0.5);
  EXPECT_FALSE(open.high.has_value());
}

}  // namespace
}  // namespace veer
