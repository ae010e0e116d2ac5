// SPDX-License-Identifier: MIT
#include "veer/base/text_distance.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(NearestName, SuggestsOnlyWhatIsClose) {
  const std::vector<std::string> names = {"rank", "alpha", "dropout"};
  EXPECT_EQ(nearest_name("rnak", names), "rank");
  EXPECT_EQ(nearest_name("dropuot", names), "dropout");
  EXPECT_EQ(nearest_name("temperature", names), "");
}

}  // namespace
}  // namespace veer
