// SPDX-License-Identifier: MIT
#include "veer/interventions/scope.h"

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

std::string acting(std::string_view scope, std::int64_t prompt_length,
                   std::int64_t length) {
  const auto range = positions_of(parse_scope(scope), prompt_length);
  std::string marks;
  for (std::int64_t p = 0; p < length; ++p) {
    marks += range.contains(p) ? 'x' : '.';
  }
  return marks;
}

TEST(Scope, GeneratedStartsAtThePromptsLastToken) {
  EXPECT_EQ(acting("all", 4, 7), "xxxxxxx");
  EXPECT_EQ(acting("prompt", 4, 7), "xxxx...");
  EXPECT_EQ(acting("generated", 4, 7), "...xxxx");
  EXPECT_EQ(acting("from:2", 4, 7), "..xxxxx");
  EXPECT_EQ(acting("from:-1", 4, 7), "...xxxx");
  EXPECT_EQ(acting("from:-9", 4, 7), "xxxxxxx");
  EXPECT_EQ(acting("first:2", 4, 7), "...xx..");
  EXPECT_EQ(acting("first:0", 4, 7), ".......");
  EXPECT_EQ(acting("all+skip_first", 4, 7), ".xxxxxx");
}

TEST(Scope, ThinkingIsTheBlockOfTheRow) {
  const auto scope = parse_scope("thinking");
  EXPECT_TRUE(positions_of(scope, 4).empty());
  const auto block = positions_of(scope, 4, {5, 7});
  EXPECT_FALSE(block.contains(4));
  EXPECT_TRUE(block.contains(5));
  EXPECT_FALSE(block.contains(7));
  EXPECT_EQ(positions_of(parse_scope("thinking+skip_first"), 4, {0, 3}).begin,
            1);
}

TEST(Scope, NamesRoundTrip) {
  for (const auto* name : {"all", "prompt", "generated", "from:-3", "from:12",
                           "first:4", "generated+skip_first", "thinking"}) {
    EXPECT_EQ(scope_name(parse_scope(name)), name);
  }
}

TEST(Scope, RefusesWhatItDoesNotKnow) {
  for (const auto* name :
       {"", "al", "from", "from:", "from:x", "first:-1", "all:3",
        "prompt generated", "from:1x", "thinking:3"}) {
    EXPECT_THROW(parse_scope(name), Error) << name;
  }
}

}  // namespace
}  // namespace veer
