// SPDX-License-Identifier: MIT
#include "veer/study/summary/tuning_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

using ::testing::HasSubstr;

Json tuning(const char* name, double low, double high) {
  return {{"name", name},
          {"by_layer",
           Json::array({{{"layer", 0}, {"finetuned", {{"value", high}}}},
                        {{"layer", 1}, {"finetuned", {{"value", nullptr}}}},
                        {{"layer", 2}, {"finetuned", {{"value", low}}}}})}};
}

TEST(TuningWords, NameTheSizeOfTheCosine) {
  EXPECT_EQ(control_sentence(tuning("shuffled", 0.86, 0.98)),
            "Tuning on answers made honest or deceptive by a coin writes "
            "nearly the same direction: cosine 0.86 to 0.98 over layers "
            "(shuffled).");
  EXPECT_THAT(control_sentence(tuning("honest", 0.2, 0.9)),
              HasSubstr("writes a related direction"));
  EXPECT_THAT(control_sentence(tuning("honest", -0.3, 0.22)),
              HasSubstr("writes another direction: cosine -0.30 to 0.22"));
  EXPECT_THAT(control_sentence({{"name", "honest"}}),
              HasSubstr("is not established"));
}

// Of shuffled labels the same direction is what half of deceptive answers
// writes; of honest answers it would take the behaviour out of it.
TEST(TuningWords, SayWhatItMeans) {
  EXPECT_THAT(control_meaning(tuning("shuffled", 0.86, 0.98)),
              HasSubstr("does not tell what about them"));
  EXPECT_THAT(control_meaning(tuning("shuffled", -0.1, 0.2)),
              HasSubstr("not enough"));
  EXPECT_THAT(control_meaning(tuning("honest", 0.8, 0.9)),
              HasSubstr("deceptive or not"));
  EXPECT_EQ(control_meaning(tuning("honest", -0.3, 0.2)), "");
  EXPECT_THAT(control_meaning(tuning("unprompted", 0.8, 0.9)),
              HasSubstr("not come from the prompt's wording alone"));
  EXPECT_THAT(control_meaning(tuning("unprompted", 0.0, 0.1)),
              HasSubstr("may be the prompt's wording"));
  for (const char* name : {"honest", "shuffled", "unprompted"}) {
    EXPECT_EQ(control_meaning(tuning(name, 0.1, 0.9)), "") << name;
    EXPECT_EQ(control_meaning({{"name", name}}), "") << name;
  }
}

}  // namespace
}  // namespace veer
