// SPDX-License-Identifier: MIT
#include "veer/metrics/remembering_judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veer {
namespace {

// Says how many answers it had seen before each.
class CountingJudge : public Judge {
 public:
  explicit CountingJudge(std::vector<std::size_t>& calls) : calls_(calls) {}
  std::string name() const override { return "counting"; }
  std::vector<Judgement> judge(std::span<const AnswerToJudge> answers,
                               const Monitor&) override {
    calls_.push_back(answers.size());
    std::vector<Judgement> said;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      said.push_back({AnswerLabel::kHonest, seen_++, ""});
    }
    return said;
  }

 private:
  std::vector<std::size_t>& calls_;
  double seen_ = 0.0;
};

std::vector<double> scores(Judge& judge,
                           const std::vector<AnswerToJudge>& answers) {
  std::vector<double> out;
  for (const auto& judgement : judge.judge(answers, {})) {
    out.push_back(judgement.score);
  }
  return out;
}

TEST(RememberingJudge, AsksAboutTheSameAnswerOnce) {
  std::vector<std::size_t> calls;
  RememberingJudge judge(std::make_unique<CountingJudge>(calls));
  EXPECT_EQ(judge.name(), "counting");
  EXPECT_THAT(scores(judge, {{"q", "a"}, {"q", "b"}, {"q", "a"}}),
              testing::ElementsAre(0, 1, 0));
  EXPECT_THAT(scores(judge, {{"q", "b"}, {"q", "c"}}),
              testing::ElementsAre(1, 2));
  EXPECT_THAT(scores(judge, {{"q", "a"}}), testing::ElementsAre(0));
  EXPECT_THAT(calls, testing::ElementsAre(2, 1));
}

TEST(RememberingJudge, TellsApartWhatReadsTheSameWhenPutTogether) {
  std::vector<std::size_t> calls;
  RememberingJudge judge(std::make_unique<CountingJudge>(calls));
  EXPECT_THAT(
      scores(judge,
             {{"ab", "c"}, {"a", "bc"}, {"a", "b", "c"}, {"a", "b", "", "c"}}),
      testing::ElementsAre(0, 1, 2, 3));
}

}  // namespace
}  // namespace veer
