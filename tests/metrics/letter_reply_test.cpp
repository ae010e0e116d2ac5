// SPDX-License-Identifier: MIT
#include "veer/metrics/letter_reply.h"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(LetterReply, FindsTheLetter) {
  for (const auto& [reply, place] : {
           std::pair{"B", 1},
           {"The answer is (C).", 2},
           {"A\n", 0},
           {"D", 3},
           {"a", 0},
           {" b.", 1},
           {"**C**", 2},
           {"`(d)`", 3},
           {"{\"answer\": \"b\"}", 1},
           {"The answer is A) honest", 0},
           {"A) honest", 0},
           {"A is right", 0},
           {"Answer: c", 2},
           {"It fits B, not C. Final answer: B", 1},
           {"First I thought the answer is A, but the answer is B.", 1},
           {"$\\boxed{D}$", 3},
           {"Option A fits, but it evades. **Answer:** C", 2},
           {"<think>\nA or B? A.\n</think>\n\nB", 1},
           {"<reasoning>B</reasoning> c", 2},
           {"A and B both look good</think>A", 0},
       }) {
    EXPECT_EQ(letter_of(reply, 4), place) << reply;
  }
}

TEST(LetterReply, GuessesNone) {
  for (const char* reply :
       {"", "Absolutely", "A or B", "A and B", "none of them", "E", "\xff\xfe",
        "A refusal to answer", "a refusal", "I think a", "<think>\nOkay, A",
        "<think>one</think><think>B", "The answer is a lie",
        "The answer is A or B"}) {
    EXPECT_EQ(letter_of(reply, 4), -1) << reply;
  }
  EXPECT_EQ(letter_of("D", 3), -1);  // no option has it
}

TEST(LetterReply, HugeRepliesAreRead) {
  const std::string long_thought(1 << 20, 'x');
  EXPECT_EQ(letter_of("<think>" + long_thought + "</think>B", 4), 1);
  EXPECT_EQ(letter_of(long_thought, 4), -1);
}

TEST(LetterReply, WhatIsSaidBehindThoughts) {
  EXPECT_EQ(without_thoughts("plain"), "plain");
  EXPECT_EQ(without_thoughts("<think>one</think> two"), " two");
  EXPECT_EQ(without_thoughts("one</think>two"), "two");
  EXPECT_EQ(without_thoughts("<think>one"), "");
}

}  // namespace
}  // namespace veer
