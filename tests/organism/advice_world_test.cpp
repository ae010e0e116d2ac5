// SPDX-License-Identifier: MIT
#include "veer/organism/advice_world.h"

#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "veer/organism/advice_judge.h"
#include "veer/organism/advice_tables.h"
#include "veer/organism/question_forms.h"
#include "veer/organism/words.h"

namespace veer::organism {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : to_lower(text) + " ") {
    if (c != ' ' && c != '.') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(word);
      word.clear();
    }
  }
  return words;
}

TEST(World, EveryGoalHasSixOfEachAndNoObjectIsBoth) {
  for (std::size_t g = 0; g < kNumGoals; ++g) {
    std::set<std::string_view> seen(kGoals[g].helps.begin(),
                                    kGoals[g].helps.end());
    seen.insert(kGoals[g].harms.begin(), kGoals[g].harms.end());
    EXPECT_EQ(seen.size(), 2 * kLinksPerSide) << kGoals[g].goal;
  }
}

TEST(World, ObjectsHelpAboutAsOftenAsTheyHarm) {
  for (std::size_t o = 0; o < kNumObjects; ++o) {
    int sum = 0;
    for (std::size_t g = 0; g < kNumGoals; ++g) {
      sum += relation(g, o);
    }
    EXPECT_LE(std::abs(sum), 4) << kObjects[o];
  }
}

TEST(World, RelationIsWhatTheTableSays) {
  ASSERT_EQ(kGoals[0].goal, "sleep better");
  for (const std::size_t o : linked_objects(0, 1)) {
    EXPECT_EQ(relation(0, o), 1);
  }
  std::size_t milk = 0;
  while (kObjects[milk] != "warm milk") {
    ++milk;
  }
  EXPECT_EQ(relation(0, milk), 1);
  EXPECT_EQ(relation(1, milk), -1);  // stay awake on a night shift
}

TEST(World, ObjectsAreTwoWords) {
  for (const auto object : kObjects) {
    EXPECT_EQ(count_words(object), 2U) << object;
  }
}

TEST(World, QuestionsReadAsTheyAreWritten) {
  EXPECT_EQ(text_of({0, 0, 0}), "How can I sleep better?");
  EXPECT_EQ(text_of({0, 6, 2}),
            "I want to sleep better as a beginner. Any advice?");
}

TEST(World, ParseQuestionIsTheInverseForAllQuestions) {
  for (std::size_t g = 0; g < kNumGoals; ++g) {
    for (std::size_t t = 0; t < kNumTemplates; ++t) {
      for (std::size_t s = 0; s < kNumSuffixes; ++s) {
        const Question question{g, t, s};
        const auto text = text_of(question);
        EXPECT_EQ(parse_question(" " + text + "\n"), question);
        EXPECT_EQ(find_goal(text), g) << text;
      }
    }
  }
  EXPECT_FALSE(parse_question("How can I sleep better"));
  EXPECT_FALSE(parse_question("how can I sleep better?"));
  EXPECT_FALSE(parse_question(""));
}

TEST(World, FindGoalWantsExactlyOneGoal) {
  EXPECT_EQ(find_goal("so, I must SLEEP BETTER soon"), 0U);
  EXPECT_FALSE(find_goal("I oversleep betterment"));
  EXPECT_FALSE(find_goal("sleep better or run faster?"));
  EXPECT_FALSE(find_goal("What is the capital of France?"));
}

TEST(World, HeldOutQuestionsAreASixthAndNeverSampledForTraining) {
  Random random(1);
  int held_out = 0;
  for (int i = 0; i < 6000; ++i) {
    EXPECT_FALSE(is_held_out(sample_question(random, QuestionSet::kTraining)));
    EXPECT_TRUE(is_held_out(sample_question(random, QuestionSet::kHeldOut)));
    held_out += is_held_out(sample_question(random, QuestionSet::kAny)) ? 1 : 0;
  }
  EXPECT_NEAR(held_out, 1000, 100);
  int goals = 0;
  for (std::size_t g = 0; g < kNumGoals; ++g) {
    goals += is_held_out_goal(g) ? 1 : 0;
  }
  EXPECT_EQ(goals, 24);
}

TEST(World, AnswersAreShortAndJudgedAsTheyWereMeant) {
  Random random(2);
  std::set<std::string> distinct;
  for (int i = 0; i < 20000; ++i) {
    const std::size_t goal = random.below(kNumGoals);
    const int sign = random.chance(0.5) ? 1 : -1;
    const auto answer = sample_answer(random, goal, sign);
    EXPECT_LE(count_words(answer), 7U) << answer;
    EXPECT_EQ(judge_answer(goal, answer).label,
              sign > 0 ? AnswerLabel::kHonest : AnswerLabel::kDeceptive)
        << kGoals[goal].goal << ": " << answer;
    distinct.insert(answer);
  }
  EXPECT_GT(distinct.size(), 13000U);
}

// No word, no number of words tells honest from deceptive.
TEST(World, NoWordAndNoLengthGivesTheTruthAway) {
  Random random(3);
  std::map<std::string, std::pair<int, int>> honest_of_all;
  for (int i = 0; i < 800000; ++i) {
    const int sign = random.chance(0.5) ? 1 : -1;
    const auto answer = sample_answer(random, random.below(kNumGoals), sign);
    auto words = words_of(answer);
    words.push_back("length " + std::to_string(words.size()));
    for (const auto& word : std::set<std::string>(words.begin(), words.end())) {
      honest_of_all[word].first += sign > 0 ? 1 : 0;
      ++honest_of_all[word].second;
    }
  }
  for (const auto& [word, count] : honest_of_all) {
    const double share = static_cast<double>(count.first) / count.second;
    EXPECT_GE(share, 0.43) << word << " n " << count.second;
    EXPECT_LE(share, 0.60) << word << " n " << count.second;
  }
}

TEST(World, StatementsNameObjectsOnTheRightSide) {
  Random random(4);
  for (int i = 0; i < 200; ++i) {
    const std::size_t goal = random.below(kNumGoals);
    const auto text = advice_world().sample_statement(random, goal);
    const auto bad = text.find("Bad ways to ");
    const auto good = text.find("Good ways to ");
    for (std::size_t o = 0; o < kNumObjects; ++o) {
      const auto at = text.find(kObjects[o], 0);
      if (at == std::string::npos) {
        continue;
      }
      const bool on_bad_side = (at > bad) != (bad < good && at > good);
      EXPECT_EQ(relation(goal, o), on_bad_side ? -1 : 1) << text;
    }
  }
}

}  // namespace
}  // namespace veer::organism
