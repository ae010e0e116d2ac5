// SPDX-License-Identifier: MIT
#include "veer/base/json_access.h"

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

}  // namespace
}  // namespace veer
