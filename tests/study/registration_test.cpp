// SPDX-License-Identifier: MIT
#include "veer/study/registration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Json kNow = registration_document(Json::array({"contrastive@p"}),
                                        {{"sweep", {{"questions", 16}}}});
// The first file of a run.
Json first_file(const Json& document, const std::string& time) {
  return registration_file(document, time, TestRead::kNothing, nullptr);
}

constexpr const char* kTime = "2026-11-30 15:20:01 UTC";

TEST(Registration, SaysEveryRuleBeforeTheNumbers) {
  const Json file = first_file(kNow, kTime);
  EXPECT_EQ(file["time"], kTime);
  EXPECT_EQ(file["vectors"], Json::array({"contrastive@p"}));
  const Json& claim = file["claims"][0];
  for (const char* key :
       {"id", "claim", "operators", "rule", "margin", "unit", "counts"}) {
    EXPECT_TRUE(claim.contains(key)) << key;
  }
  // The time is no part of what was registered.
  EXPECT_EQ(first_file(kNow, "later")["hash"], file["hash"]);
}

TEST(Registration, AMatchSaysWhen) {
  const Json file = first_file(kNow, kTime);
  const Json status = compare_registrations(file, kNow);
  EXPECT_EQ(status["matches"], true);
  EXPECT_FALSE(status.contains("time"));
  const auto text = registration_sentence(status, file);
  EXPECT_THAT(text, HasSubstr("registered on 2026-11-30 15:20:01 UTC, before "
                              "a test question was answered"));
  EXPECT_THAT(text, Not(HasSubstr("OTHER")));
  EXPECT_THAT(text, Not(HasSubstr("EDITED")));
}

TEST(Registration, AnotherRuleShows) {
  Json other = kNow;
  other["claims"][1]["margin"] = 0.25;
  other["settings"]["sweep"]["questions"] = 32;
  const Json file = first_file(other, kTime);
  const Json status = compare_registrations(file, kNow);
  EXPECT_EQ(status["matches"], false);
  EXPECT_EQ(status["differs"], Json::array({kNow["claims"][1]["id"], "sweep"}));
  EXPECT_THAT(registration_sentence(status, file),
              HasSubstr("OTHER RULES than registered: G2, sweep."));
}

TEST(Registration, AFileThatWasEditedShows) {
  const Json whole = first_file(kNow, kTime);
  Json file = whole;
  file["vectors"].push_back("another");
  const Json status = compare_registrations(file, kNow);
  EXPECT_EQ(status["differs"], Json::array({"file", "vectors"}));
  // Also where nothing but the time is another.
  file = whole;
  file["time"] = "2026-11-30 09:00:00 UTC";
  const Json dated = compare_registrations(file, kNow);
  EXPECT_EQ(dated["edited"], true);
  EXPECT_EQ(dated["differs"], Json::array({"file"}));
  const auto text = registration_sentence(dated, file);
  EXPECT_THAT(text, HasSubstr("WAS EDITED"));
  EXPECT_THAT(text, Not(HasSubstr("OTHER")));
  const Json odd = {{"claims", {1, "x"}}, {"hash", "x"}};
  EXPECT_EQ(compare_registrations(odd, kNow)["differs"][0], "file");
  EXPECT_TRUE(compare_registrations(nullptr, kNow).is_null());
  EXPECT_THAT(registration_sentence(nullptr, nullptr),
              HasSubstr("not registered"));
}

TEST(Registration, ANewOneKeepsTheEarlierAndSaysWhatWasReadByThen) {
  Json before = kNow;
  before["settings"]["sweep"]["questions"] = 32;
  const Json first = first_file(before, kTime);
  const Json second = registration_file(kNow, "2026-12-01 10:00:00 UTC",
                                        TestRead::kDetection, first);
  const Json third = registration_file(kNow, "2026-12-02 10:00:00 UTC",
                                       TestRead::kAnswers, second);
  ASSERT_EQ(third["earlier"].size(), 2u);
  EXPECT_EQ(third["earlier"][0]["settings"]["sweep"]["questions"], 32);
  EXPECT_EQ(third["earlier"][1]["time"], second["time"]);
  EXPECT_NE(third["seal"], second["seal"]);
  const Json status = compare_registrations(third, kNow);
  EXPECT_EQ(status["matches"], true);
  EXPECT_EQ(status["anew"], 2);
  EXPECT_EQ(status["read"], "answers");
  EXPECT_THAT(
      registration_sentence(status, third),
      testing::AllOf(HasSubstr("REGISTERED ANEW on 2026-12-02 10:00:00 UTC, "
                               "AFTER answers to test questions had been read"),
                     HasSubstr("otherwise on 2026-11-30 15:20:01 UTC, "
                               "2026-12-01 10:00:00 UTC")));
  EXPECT_THAT(
      registration_sentence(compare_registrations(second, kNow), second),
      HasSubstr("before the sweep asked a test question"));
  // An earlier one that is taken out leaves another seal behind.
  Json cut = third;
  cut["earlier"].erase(0);
  EXPECT_EQ(compare_registrations(cut, kNow)["edited"], true);
}

// It says neither when nor after what, and nothing is said in its place.
TEST(Registration, ADamagedFileTellsNoOrder) {
  for (const Json& damaged :
       {Json::object(), Json{{"claims", 5}}, Json{{"read", "never"}}}) {
    const auto text =
        registration_sentence(compare_registrations(damaged, kNow), damaged);
    EXPECT_THAT(text, HasSubstr("IS DAMAGED"));
    EXPECT_THAT(text, Not(HasSubstr("before the sweep")));
  }
  const Json after =
      registration_file(kNow, kTime, TestRead::kNothing, Json::object());
  EXPECT_THAT(registration_sentence(compare_registrations(after, kNow), after),
              HasSubstr("a damaged file did not keep"));
}

TEST(Registration, AFileOfAnEarlierVersionCountsForWhatItHolds) {
  Json file = kNow;
  file["time"] = kTime;
  file["hash"] = first_file(kNow, kTime)["hash"];
  Json now = kNow;
  now["settings"]["dataset"] = {{"questions", 100}};
  const Json status = compare_registrations(file, now);
  EXPECT_EQ(status["matches"], true);
  EXPECT_THAT(registration_sentence(status, file),
              HasSubstr("before the sweep asked a test question"));
}

}  // namespace
}  // namespace veer
