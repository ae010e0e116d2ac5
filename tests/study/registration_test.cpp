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
constexpr const char* kTime = "2026-11-30 15:20:01 UTC";

TEST(Registration, SaysEveryRuleBeforeTheNumbers) {
  const Json file = registration_file(kNow, kTime);
  EXPECT_EQ(file["time"], kTime);
  EXPECT_EQ(file["vectors"], Json::array({"contrastive@p"}));
  const Json& claim = file["claims"][0];
  for (const char* key :
       {"id", "claim", "operators", "rule", "margin", "unit", "counts"}) {
    EXPECT_TRUE(claim.contains(key)) << key;
  }
  // The time is no part of what was registered.
  EXPECT_EQ(registration_file(kNow, "later")["hash"], file["hash"]);
}

TEST(Registration, AMatchSaysWhen) {
  const Json status =
      compare_registrations(registration_file(kNow, kTime), kNow);
  EXPECT_EQ(status["matches"], true);
  EXPECT_FALSE(status.contains("time"));
  const auto text = registration_sentence(status, kTime);
  EXPECT_THAT(text, HasSubstr("registered on 2026-11-30 15:20:01 UTC"));
  EXPECT_THAT(text, Not(HasSubstr("OTHER")));
}

TEST(Registration, AnotherRuleShows) {
  Json other = kNow;
  other["claims"][1]["margin"] = 0.25;
  other["settings"]["sweep"]["questions"] = 32;
  const Json status =
      compare_registrations(registration_file(other, kTime), kNow);
  EXPECT_EQ(status["matches"], false);
  EXPECT_EQ(status["differs"],
            Json::array({kNow["claims"][1]["id"], "settings"}));
  EXPECT_THAT(registration_sentence(status, kTime),
              HasSubstr("OTHER RULES than registered: G2, settings"));
}

TEST(Registration, AFileThatWasEditedShows) {
  Json file = registration_file(kNow, kTime);
  file["vectors"].push_back("another");
  const Json status = compare_registrations(file, kNow);
  EXPECT_EQ(status["differs"], Json::array({"file", "vectors"}));
  Json odd = {{"claims", {1, "x"}}, {"hash", "x"}};
  EXPECT_EQ(compare_registrations(odd, kNow)["differs"][0], "file");
  EXPECT_TRUE(compare_registrations(nullptr, kNow).is_null());
  EXPECT_THAT(registration_sentence(nullptr, ""), HasSubstr("not registered"));
}

}  // namespace
}  // namespace veer
