// SPDX-License-Identifier: MIT
#include "veer/study/judge/further_judges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class FurtherJudges : public testing::Test {
 protected:
  FurtherJudges() : run_(fs::path(testing::TempDir()) / "further_judges") {
    fs::remove_all(run_);
    fs::create_directories(run_);
    write_file(run_ / "sweep.json",
               R"({"questions": [{"question": "Why?"}], "answers": [{"cell": 0,
                   "question": 0, "text": "So.", "label": "honest"}]})");
    settings_.further = {"endpoint"};
    // Nothing listens there.
    settings_.endpoint.url = "http://127.0.0.1:9/v1";
    settings_.endpoint.model = "m";
    settings_.endpoint.retries = 0;
    monitor_.on_message = [this](std::string_view text) { told_ += text; };
  }
  // What the error says; empty when there is none.
  std::string asked() {
    Judging judging(run_, 0, 0);
    try {
      ask_judges(judging, settings_.further, /*again=*/false,
                 {run_, settings_, {}}, monitor_);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  fs::path run_;
  JudgeSettings settings_;
  Monitor monitor_;
  std::string told_;
};

TEST_F(FurtherJudges, AnEndpointIsHeldToItsLimitBeforeItIsAsked) {
  settings_.endpoint.price = 1e6;  // one for each token
  settings_.endpoint.cost_limit = 3.5;
  EXPECT_THAT(asked(), HasSubstr("cost_limit = 3.5"));
  EXPECT_THAT(told_, HasSubstr("8 requests to http://127.0.0.1:9/v1"));
  settings_.endpoint.cost_limit = 1e9;
  EXPECT_THAT(asked(), HasSubstr("after 1 attempt;"));
}

TEST_F(FurtherJudges, WhatCostsNothingNeedsNoLimit) {
  EXPECT_THAT(asked(), HasSubstr("after 1 attempt;"));
}

TEST_F(FurtherJudges, AMissingKeyIsFoundWithoutAsking) {
  EXPECT_NO_THROW(require_judges(settings_));
  settings_.endpoint.key_env = "VEER_NO_SUCH_KEY";
  EXPECT_THROW(require_judges(settings_), Error);
  settings_.further = {"self"};
  EXPECT_NO_THROW(require_judges(settings_));
}

TEST(KappaText, HasItsIntervalAndN) {
  const Json pair = Json::parse(
      R"({"kappa": {"value": 0.8, "low": 0.71, "high": 0.9, "n": 60}})");
  EXPECT_EQ(kappa_text(pair), "kappa 0.80 [0.71, 0.90], n 60");
  EXPECT_EQ(kappa_text(Json::parse(R"({"kappa": {"value": null}})")),
            "no kappa");
}

}  // namespace
}  // namespace veer
