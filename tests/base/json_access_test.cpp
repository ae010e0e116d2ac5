// SPDX-License-Identifier: MIT
#include "veer/base/json_access.h"

#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

TEST(JsonAccess, WhatIsNotThereIsNullOrEmpty) {
  const Json object = {{"name", "a"}, {"count", 3}};
  EXPECT_EQ(member(object, "count"), 3);
  EXPECT_TRUE(member(object, "other").is_null());
  EXPECT_TRUE(member(Json::array({1}), "name").is_null());
  EXPECT_EQ(string_member(object, "name"), "a");
  EXPECT_EQ(string_member(object, "count"), "");
  EXPECT_EQ(string_member(nullptr, "name"), "");
}

TEST(JsonAccess, ANumberIsANumberOrNothing) {
  const Json object = {{"x", 1.5}, {"text", "1.5"}, {"none", nullptr}};
  EXPECT_EQ(number_member(object, "x"), 1.5);
  for (const char* key : {"text", "none", "missing"}) {
    EXPECT_FALSE(number_member(object, key)) << key;
    EXPECT_TRUE(std::isnan(number_or_nan(object, key))) << key;
  }
  EXPECT_FALSE(number_member(Json(nullptr), "x"));
}

}  // namespace
}  // namespace veer
