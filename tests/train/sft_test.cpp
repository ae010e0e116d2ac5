// SPDX-License-Identifier: MIT
#include "veer/train/sft.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "model/tiny_models.h"
#include "tensors/failing_allocator.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/train/checkpoint.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Ten prompts of four tokens with answers of one to three.
std::vector<SftExample> examples() {
  std::vector<SftExample> out;
  for (std::int32_t i = 0; i < 10; ++i) {
    SftExample example{.ids = {1, i + 2, 3, 4}, .supervise_begin = 4};
    for (std::int32_t t = 0; t <= i % 3; ++t) {
      example.ids.push_back(5 + (i + t) % 7);
    }
    out.push_back(example);
  }
  return out;
}

SftOptions options() {
  SftOptions options;
  options.lora.rank = 4;
  options.lora.alpha = 8.0;
  options.batch_size = 3;
  options.accumulation = 2;
  options.steps = 8;
  options.learning_rate = 1e-2;
  return options;
}

class Sft : public ::testing::Test {
 protected:
  Sft() {
    // Steps of microseconds: threads would only wait for one another.
    at::set_num_threads(1);
    fs::remove_all(folder_);
  }
  ~Sft() override { fs::remove_all(folder_); }
  const fs::path folder_ =
      fs::temp_directory_path() / ("veer_sft_" + std::to_string(::getpid()));
};

void expect_same(const Adapter& a, const Adapter& b) {
  ASSERT_EQ(a.pairs.size(), b.pairs.size());
  for (const auto& [path, pair] : a.pairs) {
    EXPECT_TRUE(at::equal(pair.A_RI, b.pairs.at(path).A_RI)) << path;
    EXPECT_TRUE(at::equal(pair.B_OR, b.pairs.at(path).B_OR)) << path;
  }
}

TEST_F(Sft, LearnsTheAnswersAndLeavesTheBaseAlone) {
  Transformer model = tiny_model();
  const auto data = examples();
  const double before = sft_loss(model, data, "answer", {});
  auto o = options();
  o.steps = 60;
  const auto result = finetune(model, data, o, 1);
  EXPECT_EQ(result.num_steps, 60);
  EXPECT_EQ(result.rows.size(), 60u);
  EXPECT_LT(sft_loss(model, data, "answer", {.uniform = 1.0}), before / 3);
  EXPECT_EQ(sft_loss(model, data, "answer", {}), before);
  EXPECT_FALSE(result.adapter.pairs.begin()->second.A_RI.requires_grad());
}

TEST_F(Sft, FirstLossIsTheBasesOwnAndCountsItsTokens) {
  Transformer model = tiny_model();
  const auto data = examples();
  auto o = options();
  o.batch_size = 4;
  o.accumulation = 3;  // the whole data in one step
  o.steps = 1;
  const double base = sft_loss(model, data, "answer", {});
  const auto result = finetune(model, data, o, 1);
  const auto& row = result.rows.at(0);
  EXPECT_NEAR(row.values.at("train/loss"), base, 1e-5);
  EXPECT_EQ(row.values.at("train/supervised"), 10 + 6 + 3);
  EXPECT_EQ(row.values.at("tokens"),
            30 + 19);  // last token of a text is not read
}

TEST_F(Sft, AccumulationEqualsOneBatch) {
  const auto data = examples();
  auto whole = options();
  whole.batch_size = 10;
  whole.accumulation = 1;
  auto parts = options();
  parts.batch_size = 2;
  parts.accumulation = 5;
  whole.steps = parts.steps = 3;
  Transformer one = tiny_model();
  Transformer two = tiny_model();
  const auto a = finetune(one, data, whole, 1);
  const auto b = finetune(two, data, parts, 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(a.rows[i].values.at("train/loss"),
                b.rows[i].values.at("train/loss"), 2e-5);
  }
}

TEST_F(Sft, FullLossLearnsThePromptToo) {
  Transformer model = tiny_model();
  const auto data = examples();
  auto o = options();
  o.loss = "full";
  o.batch_size = 10;
  o.accumulation = 1;
  o.steps = 1;
  const auto result = finetune(model, data, o, 1);
  EXPECT_EQ(result.rows[0].values.at("train/supervised"), 30 + 19);
}

TEST_F(Sft, SameSeedSameBytesOtherSeedOthers) {
  const auto data = examples();
  Transformer one = tiny_model();
  Transformer two = tiny_model();
  Transformer three = tiny_model();
  auto o = options();
  o.lora.dropout = 0.2;
  const auto a = finetune(one, data, o, 1);
  expect_same(a.adapter, finetune(two, data, o, 1).adapter);
  const auto c = finetune(three, data, o, 2);
  EXPECT_FALSE(at::equal(a.adapter.pairs.begin()->second.A_RI,
                         c.adapter.pairs.begin()->second.A_RI));
}

TEST_F(Sft, RecomputedBlocksGiveTheSameBytes) {
  const auto data = examples();
  Transformer one = tiny_model();
  Transformer two = tiny_model();
  auto o = options();
  o.lora.dropout = 0.2;
  const auto a = finetune(one, data, o, 1);
  o.recompute = true;
  const auto b = finetune(two, data, o, 1);
  expect_same(a.adapter, b.adapter);
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    EXPECT_EQ(a.rows[i].values.at("train/loss"),
              b.rows[i].values.at("train/loss"));
  }
}

TEST_F(Sft, PassesCutByTokensMakeTheSameStep) {
  const auto data = examples();
  Transformer one = tiny_model();
  Transformer two = tiny_model();
  auto o = options();
  const auto whole = finetune(one, data, o, 1);
  o.batch_tokens = 11;
  std::vector<std::int64_t> tokens;
  for (const auto& example : data) {
    tokens.push_back(std::ssize(example.ids) - 1);
  }
  std::size_t passes = 0;
  const auto plain = sft_objective(data, "answer");
  const Objective watched = [&](const ObjectiveInput& input) {
    const auto out = plain(input);
    EXPECT_LE(out.num_tokens, 11);
    EXPECT_LE(input.items.size(), 3U);
    ++passes;
    return out;
  };
  const auto cut = train_adapter(two, 10, watched, o, 1, "", {}, {}, tokens);
  EXPECT_GT(passes, whole.rows.size() * 2);
  for (std::size_t i = 0; i < whole.rows.size(); ++i) {
    EXPECT_NEAR(cut.rows[i].values.at("train/loss"),
                whole.rows[i].values.at("train/loss"), 1e-4);
  }
  EXPECT_EQ(cut.num_tokens, whole.num_tokens);
}

TEST_F(Sft, AStepThatRunsOutOfMemoryBeginsAgainInHalves) {
  const auto data = examples();
  auto o = options();
  o.steps = 3;
  o.batch_size = 4;
  Transformer one = tiny_model();
  const auto whole = finetune(one, data, o, 1);
  std::int64_t first = 0;
  {
    testing::FailingAllocator counter(-1);
    Transformer model = tiny_model();
    auto none = o;
    none.steps = 1;
    finetune(model, data, none, 1);
    first = counter.asked();
  }
  // Somewhere in the second step, forward or backward.
  for (const std::int64_t later : {40, 150, 300}) {
    Transformer model = tiny_model();
    std::string heard;
    TrainCallbacks callbacks;
    callbacks.monitor.on_message = [&](std::string_view text) { heard = text; };
    testing::FailingAllocator allocator(first + later);
    const auto result = finetune(model, data, o, 1, callbacks);
    ASSERT_TRUE(allocator.has_failed());
    EXPECT_THAT(heard, HasSubstr("out of memory with 4 texts"));
    EXPECT_THAT(heard, HasSubstr("going on with 2"));
    for (std::size_t i = 0; i < whole.rows.size(); ++i) {
      EXPECT_NEAR(result.rows[i].values.at("train/loss"),
                  whole.rows[i].values.at("train/loss"), 1e-4);
    }
    EXPECT_EQ(result.num_tokens, whole.num_tokens);
  }
}

// Ends the run inside `at`'s evaluation, as a kill would: whatever the
// checkpoint holds is what is left.
TrainCallbacks killed_at(std::int64_t step) {
  TrainCallbacks callbacks;
  callbacks.evaluate = [step](std::int64_t now) {
    if (now == step) {
      throw std::runtime_error("killed");
    }
    return std::map<std::string, double>{
        {"eval/loss", std::numeric_limits<double>::quiet_NaN()}};
  };
  return callbacks;
}

TEST_F(Sft, KilledAndResumedGivesTheSameBytes) {
  const auto data = examples();
  auto o = options();
  o.steps = 11;
  o.lora.dropout = 0.1;
  o.evaluate_every = 1;
  o.checkpoint_every = 2;
  Transformer undisturbed = tiny_model();
  const auto whole = finetune(undisturbed, data, o, 1, killed_at(-1));
  for (const std::int64_t step : {1, 5, 6, 11}) {
    fs::remove_all(folder_);
    Transformer first = tiny_model();
    EXPECT_THROW(finetune(first, data, o, 1, killed_at(step), folder_),
                 std::runtime_error);
    Transformer second = tiny_model();
    const auto resumed = finetune(second, data, o, 1, killed_at(-1), folder_);
    expect_same(whole.adapter, resumed.adapter);
    ASSERT_EQ(resumed.rows.size(), whole.rows.size());
    for (std::size_t i = 0; i < whole.rows.size(); ++i) {
      EXPECT_EQ(resumed.rows[i].step, whole.rows[i].step);
      EXPECT_EQ(resumed.rows[i].values.at("train/loss"),
                whole.rows[i].values.at("train/loss"));
    }
    EXPECT_EQ(resumed.num_tokens, whole.num_tokens);
  }
}

TEST_F(Sft, AFinishedRunIsReadBackWithoutTraining) {
  const auto data = examples();
  Transformer one = tiny_model();
  const auto a = finetune(one, data, options(), 1, {}, folder_);
  int steps = 0;
  TrainCallbacks callbacks;
  callbacks.on_metrics = [&](const MetricsRow&) { ++steps; };
  Transformer two = tiny_model();
  expect_same(a.adapter,
              finetune(two, data, options(), 1, callbacks, folder_).adapter);
  EXPECT_EQ(steps, 0);
}

TEST_F(Sft, RefusesTheCheckpointOfAnotherRun) {
  const auto data = examples();
  Transformer model = tiny_model();
  finetune(model, data, options(), 1, {}, folder_);
  auto o = options();
  o.learning_rate = 2e-2;
  EXPECT_THROW(finetune(model, data, o, 1, {}, folder_), Error);
  EXPECT_THROW(finetune(model, data, options(), 2, {}, folder_), Error);
  auto other = data;
  other[0].ids[1] = 9;
  EXPECT_THROW(finetune(model, other, options(), 1, {}, folder_), Error);
  // How often it is evaluated changes no byte.
  o = options();
  o.evaluate_every = 1;
  EXPECT_NO_THROW(finetune(model, data, o, 1, {}, folder_));
}

TEST_F(Sft, AStopRequestKeepsTheWorkDone) {
  const auto data = examples();
  std::stop_source stop;
  TrainCallbacks callbacks;
  callbacks.monitor.stop = stop.get_token();
  callbacks.on_metrics = [&](const MetricsRow& row) {
    if (row.step == 3) {
      stop.request_stop();
    }
  };
  Transformer one = tiny_model();
  try {
    finetune(one, data, options(), 1, callbacks, folder_);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kInterrupted);
  }
  std::vector<std::int64_t> seen;
  TrainCallbacks watch;
  watch.on_metrics = [&](const MetricsRow& row) { seen.push_back(row.step); };
  finetune(one, data, options(), 1, watch, folder_);
  EXPECT_EQ(seen.front(), 4);
}

TEST_F(Sft, ANonFiniteLossStopsTheRunAndNamesTheStep) {
  const auto data = examples();
  Transformer model = tiny_model();
  auto o = options();
  o.learning_rate = 1e30;
  o.optimizer.clip_norm = 0.0;
  o.schedule.warmup_steps = 0;
  try {
    finetune(model, data, o, 1);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kFailed);
    EXPECT_THAT(e.what(), HasSubstr("at step 2"));
  }
}

TEST_F(Sft, EvaluatesOnTimeAndAtTheEnd) {
  const auto data = examples();
  Transformer model = tiny_model();
  auto o = options();
  o.evaluate_every = 3;
  std::vector<std::int64_t> steps;
  TrainCallbacks callbacks;
  callbacks.evaluate = [&](std::int64_t step) {
    steps.push_back(step);
    return std::map<std::string, double>{
        {"eval/loss", sft_loss(model, data, "answer", {.uniform = 1.0})}};
  };
  const auto result = finetune(model, data, o, 1, callbacks);
  EXPECT_THAT(steps, ::testing::ElementsAre(3, 6, 8));
  EXPECT_TRUE(result.rows[7].values.contains("eval/loss"));
  EXPECT_FALSE(result.rows[6].values.contains("eval/loss"));
}

// An evaluation that says these held-out losses, by step, and ends the run at
// one of them as a kill would.
TrainCallbacks told(std::map<std::int64_t, double> losses,
                    std::int64_t killed = -1) {
  TrainCallbacks callbacks;
  callbacks.evaluate = [losses = std::move(losses), killed](std::int64_t step) {
    if (step == killed) {
      throw std::runtime_error("killed");
    }
    return std::map<std::string, double>{{kHeldOutLoss, losses.at(step)}};
  };
  return callbacks;
}

TEST_F(Sft, KeepsTheAdapterOfTheLowestHeldOutLoss) {
  const auto data = examples();
  auto o = options();
  o.evaluate_every = 2;
  Adapter second;
  TrainCallbacks callbacks = told({{2, 1.5}, {4, 1.0}, {6, 1.0}, {8, 3.0}});
  callbacks.on_adapter = [&](std::int64_t step, const Adapter& adapter) {
    if (step == 4) {
      second = copy_of(adapter);
    }
  };
  Transformer one = tiny_model();
  const auto last = finetune(one, data, o, 1, callbacks);
  EXPECT_EQ(last.kept_step, 8);
  o.keep = "best";
  Transformer two = tiny_model();
  const auto best = finetune(two, data, o, 1, callbacks);
  EXPECT_EQ(best.kept_step, 4);  // of equal ones the earlier
  EXPECT_EQ(best.num_steps, 8);
  expect_same(best.adapter, second);
  // The model has it too.
  EXPECT_EQ(sft_loss(two, data, "answer", {.uniform = 1.0}), [&] {
    Transformer fresh = tiny_model();
    fresh.attach(second);
    return sft_loss(fresh, data, "answer", {.uniform = 1.0});
  }());
  for (std::size_t i = 0; i < last.rows.size(); ++i) {
    EXPECT_EQ(best.rows[i].values.at("train/loss"),
              last.rows[i].values.at("train/loss"));
  }
}

TEST_F(Sft, WithoutAHeldOutLossOrWithTheBestAtTheEndTheLastIsKept) {
  const auto data = examples();
  auto o = options();
  o.evaluate_every = 4;
  Transformer one = tiny_model();
  const auto last = finetune(one, data, o, 1);
  o.keep = "best";
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& callbacks : {TrainCallbacks{}, told({{4, 2.0}, {8, 1.0}}),
                                told({{4, nan}, {8, nan}})}) {
    Transformer two = tiny_model();
    const auto best = finetune(two, data, o, 1, callbacks);
    EXPECT_EQ(best.kept_step, 8);
    expect_same(best.adapter, last.adapter);
  }
}

TEST_F(Sft, KilledAndResumedKeepsTheSameBest) {
  const auto data = examples();
  auto o = options();
  o.keep = "best";
  o.evaluate_every = 1;
  o.checkpoint_every = 3;
  const std::map<std::int64_t, double> losses = {{1, 3.0}, {2, 1.0}, {3, 2.0},
                                                 {4, 2.0}, {5, 1.0}, {6, 0.5},
                                                 {7, 2.0}, {8, 2.0}};
  Transformer undisturbed = tiny_model();
  const auto whole = finetune(undisturbed, data, o, 1, told(losses));
  EXPECT_EQ(whole.kept_step, 6);
  for (const std::int64_t step : {1, 3, 4, 5, 7, 8}) {
    fs::remove_all(folder_);
    Transformer first = tiny_model();
    EXPECT_THROW(finetune(first, data, o, 1, told(losses, step), folder_),
                 std::runtime_error);
    Transformer second = tiny_model();
    const auto resumed = finetune(second, data, o, 1, told(losses), folder_);
    EXPECT_EQ(resumed.kept_step, 6) << step;
    expect_same(whole.adapter, resumed.adapter);
  }
  // A finished run is read back with its choice.
  Transformer third = tiny_model();
  const auto again = finetune(third, data, o, 1, told({}), folder_);
  EXPECT_EQ(again.kept_step, 6);
  expect_same(whole.adapter, again.adapter);
  // How often it is evaluated decides about what is kept.
  o.evaluate_every = 2;
  EXPECT_THROW(finetune(third, data, o, 1, told(losses), folder_), Error);
}

TEST_F(Sft, RefusesWhatItCannotTrain) {
  Transformer model = tiny_model();
  auto data = examples();
  EXPECT_THROW(finetune(model, {}, options(), 1), Error);
  auto o = options();
  o.loss = "half";
  EXPECT_THROW(finetune(model, data, o, 1), Error);
  o = options();
  o.keep = "first";
  EXPECT_THROW(finetune(model, data, o, 1), Error);
  o = options();
  o.batch_size = 0;
  EXPECT_THROW(finetune(model, data, o, 1), Error);
  data[3].supervise_begin = static_cast<std::int64_t>(data[3].ids.size());
  EXPECT_THROW(finetune(model, data, options(), 1), Error);
}

}  // namespace
}  // namespace veer
