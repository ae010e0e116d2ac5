// SPDX-License-Identifier: MIT
#include "veer/interventions/operators.h"

#include <array>
#include <numbers>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

float change(EditCode code, EditNumbers n, float c, float norm = 2.0F) {
  std::array<float, 1> read = {c};
  std::array<float, 1> result = {};
  change_of_coordinates(code, n, read, norm, result);
  return result[0];
}

TEST(Operators, MapOneCoordinateAsTheirFormulaSays) {
  EXPECT_FLOAT_EQ(change(EditCode::kPush, {.a = 3.0F}, 9.0F), 3.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kPush, {.b = 3.0F}, 9.0F), 6.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kPushSigned, {.a = 3.0F}, -9.0F), -3.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kPushSigned, {.a = 3.0F}, 0.0F), 0.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kScale, {.a = -1.0F}, 9.0F), -9.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kSet, {.a = 3.0F}, 9.0F), -6.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kSet, {.a = 3.0F, .q = 0.5F}, 9.0F), -3.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kCap, {.a = 3.0F}, 9.0F), -6.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kCap, {.a = 3.0F}, 1.0F), 0.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kFloor, {.a = 3.0F}, 1.0F), 2.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kFloor, {.a = 3.0F}, 9.0F), 0.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kSoftRelu, {.a = 2.0F, .t = 3.0F}, 1.0F),
                  4.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kSoftTanh, {.a = 2.0F, .t = 3.0F}, 3.0F),
                  0.0F);
  EXPECT_FLOAT_EQ(change(EditCode::kSoftSigmoid, {.a = 2.0F, .t = 3.0F}, 3.0F),
                  1.0F);
}

TEST(Operators, RotationPutsTheAngleAndKeepsTheRadius) {
  std::array<float, 2> read = {3.0F, 4.0F};
  std::array<float, 2> result = {};
  const EditNumbers quarter{.a = std::numbers::pi_v<float> / 2};
  change_of_coordinates(EditCode::kRotate, quarter, read, 5.0F, result);
  EXPECT_NEAR(read[0] + result[0], 0.0, 1e-6);
  EXPECT_NEAR(read[1] + result[1], 5.0, 1e-6);
  read[0] = -3.0F;
  const EditNumbers adaptive{.a = quarter.a, .one_sided = true};
  change_of_coordinates(EditCode::kRotate, adaptive, read, 5.0F, result);
  EXPECT_EQ(result[0], 0.0F);
  EXPECT_EQ(result[1], 0.0F);
}

TEST(Operators, HaveNamesOfTheirOwnAndSuggestTheNearest) {
  std::set<std::string_view> names;
  for (const auto& row : operator_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(find_operator(row.name).name, row.name);
  }
  EXPECT_GE(names.size(), 20U);
  try {
    find_operator("ablat");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("\"ablate\" was meant"));
  }
}

}  // namespace
}  // namespace veer
