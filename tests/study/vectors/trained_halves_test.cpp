// SPDX-License-Identifier: MIT
#include "veer/study/vectors/trained_halves.h"

#include <algorithm>
#include <filesystem>

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "veer/base/random.h"
#include "veer/organism/checkpoint.h"
#include "veer/organism/study_inputs.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

// The smallest of the organisms, at its last block: no block to go back
// through.
constexpr const char* kModel = "models/organism-control";
constexpr std::int64_t kLayer = 3;

std::vector<QuestionRecord> records() {
  std::vector<QuestionRecord> out;
  for (const auto& pair :
       organism::seed_pairs(organism::world_of(kModel), 32)) {
    out.push_back({question_id(pair.question), pair.question, pair.honest,
                   pair.deceptive, "seed", "extract"});
  }
  return out;
}

// One answer is the deceptive one of all questions, another the honest one.
std::vector<QuestionRecord> planted() {
  auto out = records();
  for (auto& record : out) {
    record.honest = out.front().honest;
    record.deceptive = out.front().deceptive;
  }
  return out;
}

// Both answers are answers to some other question, so that "deceptive rather
// than honest" means nothing.
std::vector<QuestionRecord> shuffled(std::uint64_t seed) {
  auto out = records();
  std::vector<std::string> answers;
  for (const auto& record : out) {
    answers.push_back(record.honest);
    answers.push_back(record.deceptive);
  }
  Random(seed, "answers").shuffle(answers);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].honest = answers[2 * i];
    out[i].deceptive = answers[2 * i + 1];
  }
  return out;
}

TEST(TwoHalves, HoldEachQuestionOnceAndFollowTheSeed) {
  auto all = records();
  all.pop_back();
  const auto [first, second] = two_halves(all, 1);
  EXPECT_EQ(first.size(), 15U);
  EXPECT_EQ(second.size(), 16U);
  auto both = first;
  both.insert(both.end(), second.begin(), second.end());
  const auto by_id = [](const auto& a, const auto& b) { return a.id < b.id; };
  std::sort(both.begin(), both.end(), by_id);
  std::sort(all.begin(), all.end(), by_id);
  EXPECT_EQ(both, all);
  EXPECT_EQ(two_halves(records(), 1), two_halves(records(), 1));
  EXPECT_NE(two_halves(records(), 1), two_halves(records(), 2));
}

class TrainedHalves : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::temp_directory_path() / ("veer_halves_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    manifest_.model.path = kModel;
    manifest_.extract.bipo.layers = {std::to_string(kLayer)};
    manifest_.extract.bipo.steps = 8;
    manifest_.extract.bipo.batch = 4;
    store_ = std::make_unique<RunStore>(folder_);
    context_ = std::make_unique<StudyContext>(manifest_, *store_, Monitor());
  }
  void TearDown() override {
    context_.reset();
    store_.reset();
    fs::remove_all(folder_);
  }
  SteeringVector like() {
    const auto& config = context_->model().config();
    SteeringVector out;
    out.residual_norms["base.generated"].assign(
        static_cast<std::size_t>(config.num_layers), 10.0);
    out.directions_LD =
        at::zeros({config.num_layers, config.width}, at::dtype(at::kFloat));
    return out;
  }
  double reliability(const std::string& name,
                     const std::vector<QuestionRecord>& data) {
    // The whole does not enter.
    FixedDirection direction{like(),
                             train_halves(*context_, name, like(), data)};
    return agreement_of_halves(std::vector{direction})
        .at(0)
        .by_layer[kLayer]
        .reliability.value.value();
  }
  Manifest manifest_;
  fs::path folder_;
  std::unique_ptr<RunStore> store_;
  std::unique_ptr<StudyContext> context_;
};

TEST_F(TrainedHalves, AgreeOnWhatTheAnswersHaveInCommon) {
  EXPECT_GT(reliability("bipo", planted()), 0.9);
}

TEST_F(TrainedHalves, DoNotAgreeOnNothing) {
  // One draw of noise scatters: few dimensions matter to the answers.
  double sum = 0.0;
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    sum += reliability("bipo", shuffled(seed));
  }
  EXPECT_NEAR(sum / 4.0, 0.0, 0.25);
}

TEST_F(TrainedHalves, AreOfDisjointQuestionsAndFewerThanSixHaveNone) {
  const auto data = records();
  const auto halves = train_halves(*context_, "bipo", like(), data);
  ASSERT_EQ(halves.size(), 2U);
  EXPECT_EQ(halves[0].num_items + halves[1].num_items, std::ssize(data));
  EXPECT_FALSE(halves[0].directions_LD.equal(halves[1].directions_LD));
  EXPECT_TRUE(train_halves(*context_, "bipo", like(), std::span(data).first(5))
                  .empty());
}

}  // namespace
}  // namespace veer
