// SPDX-License-Identifier: MIT
#include "veer/train/python_regex.h"

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

TEST(PythonRegex, MatchesTheWholeSubject) {
  EXPECT_TRUE(python_fullmatch(R"(.*\.(q|v)_proj)", "a.q_proj", "t"));
  EXPECT_FALSE(python_fullmatch("q_proj", "a.q_proj", "t"));
  EXPECT_FALSE(python_fullmatch("a", "ab", "t"));
  // The alternation is one whole, not "a" then "b to the end".
  EXPECT_TRUE(python_fullmatch("a|ab", "ab", "t"));
}

TEST(PythonRegex, RefusesBrokenAndRunawayPatterns) {
  EXPECT_THROW(python_fullmatch("(", "a", "t"), Error);
  EXPECT_THROW(python_fullmatch("(a|aa)*[bc]", std::string(64, 'a'), "t"),
               Error);
}

}  // namespace
}  // namespace veer
