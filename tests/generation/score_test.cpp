// SPDX-License-Identifier: MIT
#include "veer/generation/score.h"

#include <cmath>

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generation/support.h"
#include "tensors/failing_allocator.h"
#include "veer/base/error.h"

namespace veer {
namespace {

using testing::add_to;

// One answer scored by a whole forward pass.
std::vector<float> score_plainly(const Transformer& model,
                                 InterventionTable& table,
                                 const ScoreRequest& request,
                                 std::size_t answer) {
  const auto& ids = request.answers[answer];
  const auto log_probs =
      testing::whole_log_probs(model, &table, request.prompt, ids,
                               request.configuration, request.adapter_strength);
  std::vector<float> result;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto at = static_cast<std::int64_t>(request.prompt.size() + i) - 1;
    result.push_back(log_probs[at][ids[i]].item<float>());
  }
  return result;
}

class Score : public ::testing::Test {
 protected:
  Score() {
    at::set_num_threads(1);  // tensors this small gain nothing from more
    model_.attach(random_full_adapter(model_, 2, 5));
  }

  std::vector<ScoreRequest> mixture() {
    const auto& config = model_.config();
    std::vector<ScoreRequest> requests;
    const auto prompts = random_rows({4, 7, 1}, config.vocab_size, 11);
    for (const double strength : {0.0, 0.7}) {
      for (const auto configuration :
           {std::int64_t{-1}, add_to(table_, config, "add", 3.0, 1, "all"),
            add_to(table_, config, "ablate", 1.0, 0, "generated"),
            add_to(table_, config, "add", 2.0, 2, "prompt")}) {
        for (const auto& prompt : prompts) {
          ScoreRequest request;
          request.prompt = prompt;
          request.answers =
              random_rows({3, 5, 1}, config.vocab_size, requests.size());
          request.configuration = configuration;
          request.adapter_strength = strength;
          requests.push_back(request);
        }
      }
    }
    return requests;
  }

  void expect_plain_scores(const std::vector<ScoreRequest>& requests,
                           std::int64_t max_rows) {
    GenerationOptions options;
    options.max_rows = max_rows;
    const auto all = score_all(model_, &table_, requests, options);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      ASSERT_EQ(all[i].log_probs.size(), requests[i].answers.size());
      for (std::size_t a = 0; a < requests[i].answers.size(); ++a) {
        EXPECT_THAT(
            all[i].log_probs[a],
            ::testing::Pointwise(::testing::FloatNear(2e-4F),
                                 score_plainly(model_, table_, requests[i], a)))
            << "request " << i << " rows " << max_rows;
      }
    }
  }

  Transformer model_ = tiny_model();
  InterventionTable table_{3, 16};
};

TEST_F(Score, EqualsAWholeForwardPassPerAnswer) {
  const auto requests = mixture();
  for (const std::int64_t max_rows : {256, 2}) {
    expect_plain_scores(requests, max_rows);
  }
}

// Also rows that share their blocks below what steers them.
TEST_F(Score, AnswersOfAPromptGoOnAcrossPasses) {
  const auto& config = model_.config();
  const auto prompts = random_rows({6, 6, 6}, config.vocab_size, 11);
  std::vector<ScoreRequest> requests;
  for (const auto configuration :
       {std::int64_t{-1}, add_to(table_, config, "add", 3.0, 1, "all"),
        add_to(table_, config, "add", 3.0, 1, "generated"),
        add_to(table_, config, "add", 3.0, 2, "generated")}) {
    for (const auto& prompt : prompts) {
      ScoreRequest request;
      request.prompt = prompt;
      request.configuration = configuration;
      request.answers = random_rows({4, 4, 4}, config.vocab_size, 12);
      requests.push_back(request);
    }
  }
  for (const std::int64_t max_rows : {1, 2, 3, 4, 5, 7, 11, 20, 256}) {
    expect_plain_scores(requests, max_rows);
  }
}

TEST_F(Score, TotalsAndMeansAreOverTokens) {
  const AnswerScores scores{0, {{-1.0F, -3.0F}, {-0.5F}}};
  EXPECT_DOUBLE_EQ(scores.total(0), -4.0);
  EXPECT_DOUBLE_EQ(scores.mean(0), -2.0);
  EXPECT_DOUBLE_EQ(scores.mean(1), -0.5);
}

TEST_F(Score, PatchingTheLastLayerScoresAsTheOtherModel) {
  // The head of a patched row is its own model's: one that both share.
  model_.attach(random_adapter(model_, 2, 5));
  const auto& config = model_.config();
  auto requests = mixture();
  for (auto& request : requests) {
    request.configuration = add_to(table_, config, "patch", 1.0, 2, "all");
    request.adapter_strength = 0.0;
  }
  const auto patched = score_all(model_, &table_, requests, {});
  for (auto& request : requests) {
    request.configuration = -1;
    request.adapter_strength = 1.0;
  }
  const auto tuned = score_all(model_, &table_, requests, {});
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_THAT(patched[i].log_probs[1],
                ::testing::Pointwise(::testing::FloatNear(1e-4F),
                                     tuned[i].log_probs[1]));
  }
}

TEST_F(Score, ASteeredRequestWithoutNumbersHasNoScore) {
  const auto sound = mixture();
  const auto alone = score_all(model_, &table_, sound, {});
  std::vector<ScoreRequest> requests;
  for (const auto& request : sound) {
    requests.push_back(request);
    requests.push_back(request);
    requests.back().configuration =
        testing::add_overflow(table_, model_.config());
  }
  const auto all = score_all(model_, &table_, requests, {});
  for (std::size_t i = 0; i < sound.size(); ++i) {
    EXPECT_NEAR(all[2 * i].mean(0), alone[i].mean(0), 1e-5);
    EXPECT_TRUE(std::isnan(all[2 * i + 1].mean(0)));
    EXPECT_TRUE(std::isnan(all[2 * i + 1].total(1)));
  }
  auto weights = random_weights(model_.config(), 1);
  weights.at("model.norm.weight").fill_(INFINITY);
  const Transformer damaged(model_.config(), std::move(weights));
  EXPECT_THROW(score_all(damaged, nullptr, {&sound[0], 1}, {}), Error);
}

TEST_F(Score, RefusesEmptyAnswers) {
  ScoreRequest request;
  request.prompt = {1, 2};
  EXPECT_THROW(score_all(model_, &table_, {&request, 1}, {}), Error);
  request.answers = {{1}, {}};
  EXPECT_THROW(score_all(model_, &table_, {&request, 1}, {}), Error);
  request.answers = {{1}, {77}};
  EXPECT_THROW(score_all(model_, &table_, {&request, 1}, {}), Error);
}

TEST_F(Score, GoesOnWithFewerRowsWhenMemoryRunsOut) {
  const auto requests = mixture();
  GenerationOptions few;
  few.delivery = 3;
  const auto undisturbed = score_all(model_, &table_, requests, few);
  std::int64_t allocations = 0;
  {
    const testing::FailingAllocator counting(-1);
    score_all(model_, &table_, requests, few);
    allocations = counting.asked();
  }
  for (std::int64_t at = 0; at < allocations; at += allocations / 9) {
    std::int64_t messages = 0;
    Monitor monitor;
    monitor.on_message = [&](std::string_view) { ++messages; };
    std::vector<AnswerScores> all;
    {
      const testing::FailingAllocator failing(at);
      all = score_all(model_, &table_, requests, few, monitor);
    }
    EXPECT_EQ(messages, 1) << at;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      for (std::size_t a = 0; a < 3; ++a) {
        EXPECT_THAT(all[i].log_probs[a],
                    ::testing::Pointwise(::testing::FloatNear(1e-4F),
                                         undisturbed[i].log_probs[a]));
      }
    }
  }
}

}  // namespace
}  // namespace veer
