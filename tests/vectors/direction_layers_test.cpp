// SPDX-License-Identifier: MIT
#include "veer/vectors/direction_layers.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

at::Tensor with_holes() {
  return matrix(5, 2, {0, 0, 0, 0, 1, 2, 0, 0, 0, 1e-30}).to(at::kFloat);
}

TEST(DirectionLayers, AreThoseWhoseRowIsNotZero) {
  EXPECT_THAT(layers_with_direction(with_holes()), ElementsAre(2, 4));
  EXPECT_EQ(nearest_direction(with_holes(), 0), 2);
  EXPECT_EQ(nearest_direction(with_holes(), 3), 2);
  EXPECT_EQ(nearest_direction(with_holes(), 4), 4);
  EXPECT_EQ(nearest_direction(matrix(2, 1, {0, 0}), 1), -1);
}

TEST(DirectionLayers, TextJoinsRuns) {
  const std::int64_t layers[] = {0, 2, 3, 5, 6, 7, 9};
  EXPECT_EQ(layers_text(layers), "0, 2, 3, 5 to 7 and 9");
  EXPECT_EQ(layers_text({}), "none");
}

TEST(RequireDirections, NamesTheMissingLayersAndThoseThatAreThere) {
  const std::int64_t there[] = {2, 4};
  EXPECT_NO_THROW(require_directions(with_holes(), there, "steer"));
  const std::int64_t wanted[] = {1, 2, 3};
  try {
    require_directions(with_holes(), wanted, "steer");
    FAIL() << "layers 1 and 3 are missing";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(e.what(), HasSubstr("no direction at layers 1 and 3"));
    EXPECT_THAT(e.what(), HasSubstr("layers that the vector has: 2 and 4"));
  }
}

}  // namespace
}  // namespace veer
