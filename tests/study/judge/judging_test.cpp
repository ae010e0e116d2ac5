// SPDX-License-Identifier: MIT
#include "veer/study/judge/judging.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

// Calls what it gets by the first word, "honest ..." and so on; what has none
// is broken, or whatever `otherwise` says.
class WordJudge : public Judge {
 public:
  explicit WordJudge(std::string name,
                     AnswerLabel otherwise = AnswerLabel::kBroken)
      : name_(std::move(name)), otherwise_(otherwise) {}
  std::string name() const override { return name_; }
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor&) override {
    asked += answers.size();
    std::vector<Judgement> out;
    for (const auto& answer : answers) {
      const bool honest = answer.answer.starts_with("honest");
      const bool deceptive = answer.answer.starts_with("deceptive");
      out.push_back({honest      ? AnswerLabel::kHonest
                     : deceptive ? AnswerLabel::kDeceptive
                                 : otherwise_,
                     0.0, ""});
    }
    return out;
  }
  std::size_t asked = 0;

 private:
  std::string name_;
  AnswerLabel otherwise_;
};

class JudgingTest : public testing::Test {
 protected:
  JudgingTest() : run_(fs::path(testing::TempDir()) / "judging_test") {
    fs::remove_all(run_);
    fs::create_directories(run_);
    write_answers("");
  }
  void write_answers(const std::string& tail) {
    Json sweep = {{"questions", Json::array()}, {"answers", Json::array()}};
    for (int i = 0; i < 10; ++i) {
      const std::string label = i % 2 == 0 ? "honest" : "deceptive";
      sweep["questions"].push_back({{"question", fmt::format("{}?", i)}});
      sweep["answers"].push_back({{"cell", 1},
                                  {"question", i},
                                  {"text", label + tail},
                                  {"label", label}});
    }
    write_file(run_ / "sweep.json", sweep.dump());
  }
  // Names in judges.json after these judges have judged in one call.
  std::vector<std::string> judged(std::int64_t count, std::uint64_t seed,
                                  std::vector<std::string> names) {
    Judging judging(run_, count, seed);
    for (const auto& name : names) {
      WordJudge judge(name);
      judging.add(judge, {});
    }
    std::vector<std::string> out;
    const Json document = judging.finish();
    for (const auto& judge : document.at("judges")) {
      out.push_back(judge.at("name").get<std::string>());
    }
    return out;
  }
  fs::path run_;
};

TEST_F(JudgingTest, AsksAllThatItAnnounces) {
  Judging judging(run_, 6, 0);
  WordJudge judge("a");
  judging.add(judge, {});
  EXPECT_EQ(judge.asked, 4U * 3U + 6U);
  EXPECT_EQ(judging.to_ask().size(), judge.asked);
}

TEST_F(JudgingTest, JudgesOfOneSampleStandTogether) {
  EXPECT_THAT(judged(6, 0, {"a"}), ElementsAre("run", "a"));
  EXPECT_THAT(judged(6, 0, {"b"}), ElementsAre("run", "a", "b"));
  EXPECT_THAT(judged(6, 0, {"a"}), ElementsAre("run", "a", "b"));
  EXPECT_TRUE(Judging(run_, 6, 0).has("b"));
}

TEST_F(JudgingTest, LabelsOfOtherAnswersAreNotKept) {
  judged(6, 0, {"a"});
  EXPECT_FALSE(Judging(run_, 5, 0).has("a"));
  EXPECT_FALSE(Judging(run_, 6, 1).has("a"));
  write_answers(" otherwise");
  EXPECT_FALSE(Judging(run_, 6, 0).has("a"));
}

TEST_F(JudgingTest, TheUnfitHaveNoVote) {
  Judging judging(run_, 0, 0);
  WordJudge good("good");
  WordJudge gullible("gullible", AnswerLabel::kHonest);
  judging.add(good, {});
  judging.add(gullible, {});
  judging.probe_own(gullible, {});
  const Json document = judging.finish();
  EXPECT_EQ(document.at("judges").at(0).at("fit"), false);
  EXPECT_EQ(document.at("judges").at(1).at("fit"), true);
  EXPECT_EQ(document.at("judges").at(2).at("fit"), false);
  EXPECT_EQ(document.at("majority").at("honest"), 5);
  EXPECT_EQ(document.at("agreement").at(0).at("kappa").at("value"), 1.0);
}

TEST_F(JudgingTest, WhatTheSweepFoundUnfitHasNoVote) {
  const auto path = run_ / "sweep.json";
  Json sweep = Json::parse(read_file(path));
  sweep["judge"] = {{"kind", "self"},
                    {"probes", {{"passed", 12}, {"of", 12}, {"failed", {}}}},
                    {"references", {{"of", 16}, {"honest", 0}}},
                    {"fit", false}};
  write_file(path, sweep.dump());
  Judging judging(run_, 0, 0);
  const Json document = judging.finish();
  EXPECT_EQ(document.at("judges").at(0).at("fit"), false);
  EXPECT_EQ(document.at("judges").at(0).at("probes").at("passed"), 12);
  EXPECT_EQ(document.at("majority").at("honest"), 0);
}

TEST_F(JudgingTest, AFileThatLostLabelsIsRefused) {
  judged(6, 0, {"a"});
  const auto path = run_ / "judges.json";
  Json document = Json::parse(read_file(path));
  document["judges"][1]["by_answer"].erase(0);
  write_file(path, document.dump());
  EXPECT_THROW(Judging(run_, 6, 0), Error);
}

}  // namespace
}  // namespace veer
