// SPDX-License-Identifier: MIT
#include "veer/organism/world.h"

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer::organism {
namespace {

TEST(Worlds, AreFoundByName) {
  EXPECT_EQ(&world_named("advice"), &advice_world());
  EXPECT_EQ(&world_named("two_poles"), &two_poles_world());
  EXPECT_THROW(world_named("nowhere"), Error);
}

// What a world samples, it also parses and judges.
TEST(Worlds, AgreeWithThemselves) {
  for (const World* world : {&advice_world(), &two_poles_world()}) {
    Random random(1);
    for (int i = 0; i < 500; ++i) {
      const auto asked = world->sample_question(random, QuestionSet::kAny);
      EXPECT_LT(asked.goal, world->num_goals());
      EXPECT_EQ(world->parse_question(asked.text), asked.goal) << asked.text;
      EXPECT_EQ(world->find_goal(asked.text), asked.goal) << asked.text;
      for (const int sign : {1, -1}) {
        const auto answer = world->sample_answer(random, asked.goal, sign, {});
        EXPECT_EQ(world->judge_answer(asked.goal, answer).label,
                  sign > 0 ? AnswerLabel::kHonest : AnswerLabel::kDeceptive)
            << answer;
      }
    }
  }
}

}  // namespace
}  // namespace veer::organism
