// SPDX-License-Identifier: MIT
//
// What runs on the device gives what it gives on the CPU.
#include <cmath>
#include <string>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>

#include "device/fake/memory.h"
#include "device/support.h"
#include "model/family_fixtures.h"
#include "veer/base/error.h"
#include "veer/capture/capture_texts.h"
#include "veer/generation/divergence.h"
#include "veer/generation/generate.h"
#include "veer/generation/prompt_slots.h"
#include "veer/generation/score.h"
#include "veer/train/adapter_files.h"

namespace veer::testing {
namespace {

constexpr double kRounding = 1e-5;

class OnDevice : public ::testing::Test {
 protected:
  OnDevice() { at::set_num_threads(1); }

  // Adapters come from files, and so from the CPU.
  void attach(const Adapter& adapter) {
    host_.attach(adapter);
    model_.attach(adapter);
  }

  at::Tensor logits(const Transformer& model, double strength) const {
    const at::NoGradGuard no_grad;
    ForwardOptions options;
    options.adapter.uniform = strength;
    const auto batch = pack(texts_of({9, 6, 12}), model.device());
    return model.logits(model.forward(batch, options), options.adapter);
  }

  Transformer host_ = tiny_model_on(at::kCPU);
  Transformer model_ = tiny_model_on(tested_device());
};

TEST_F(OnDevice, AForwardPass) {
  expect_close(logits(model_, 0.0), logits(host_, 0.0), kRounding);
}

// Every family, so also windows and soft caps; fp32 stands for a card without
// flash attention, bf16 for one with it.
TEST(FamiliesOnDevice, GiveWhatTheyGiveOnTheCpu) {
  at::set_num_threads(1);
  const at::NoGradGuard no_grad;
  for (const auto& name : family_names()) {
    const auto family = read_family(name);
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(name + (dtype == at::kFloat ? " fp32" : " bf16"));
      const auto model =
          load_transformer(family.folder, dtype, tested_device());
      const auto host = load_transformer(family.folder, dtype);
      const auto logits = [&](const Transformer& of) {
        return of.logits(of.forward(pack(family.ids, of.device())));
      };
      const double rounding = dtype == at::kFloat ? kRounding : 3e-2;
      expect_close(logits(model), logits(host), rounding);
      if (dtype == at::kFloat) {
        const GenerationRequest request{
            .prompt = family.ids[0], .max_tokens = std::ssize(family.greedy)};
        EXPECT_EQ(generate_all(model, nullptr, {&request, 1}, {})[0].ids,
                  family.greedy);
      }
    }
  }
}

TEST_F(OnDevice, RowsThatTheFreeMemoryHolds) {
  if (is_real_device()) {
    GTEST_SKIP() << "limits the fake device's memory";
  }
  constexpr std::int64_t kTokens = 50;
  // Keys and values of 3 layers, 2 heads of 8 numbers.
  constexpr std::int64_t kRow = 2 * 3 * 2 * 8 * kTokens * 4;
  constexpr std::int64_t kGiB = std::int64_t{1} << 30;
  GenerationOptions options{.max_rows = 1 << 20};
  const auto rows = [&](const Transformer& model, std::size_t free) {
    fake::memory().set_limit(fake::memory().used() + free);
    const auto fitting = rows_that_fit(model, kTokens, options);
    fake::memory().set_limit(fake::Memory::kSize);
    return fitting;
  };
  // Half of little, all but 1 GiB of more; a CPU's 1 GiB whatever there is.
  EXPECT_EQ(rows(model_, 40 * kRow), 20);
  EXPECT_EQ(rows(model_, 3 * kGiB), 2 * kGiB / kRow);
  EXPECT_EQ(rows(model_, 0), 1);
  EXPECT_EQ(rows(host_, 40 * kRow), kGiB / kRow);
  options.max_cache_bytes = 7 * kRow;
  EXPECT_EQ(rows(model_, 40 * kRow), 7);
  EXPECT_EQ(rows(host_, 40 * kRow), 7);
}

TEST_F(OnDevice, AdaptersOfFilesFollowTheModel) {
  attach(random_adapter(host_, 2, 5));
  expect_close(logits(model_, 1.0), logits(host_, 1.0), kRounding);
  attach(random_full_adapter(host_, 2, 5));
  expect_close(logits(model_, 0.5), logits(host_, 0.5), kRounding);
}

TEST_F(OnDevice, AnIdOutsideTheVocabularyIsAnErrorNotAnAssertionOfTheDevice) {
  const Rows rows = {{3, 29}};
  try {
    model_.forward(pack(rows, model_.device()));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("token id 29"));
  }
}

TEST_F(OnDevice, GenerationScoresAndDivergences) {
  attach(random_adapter(host_, 2, 5));
  const auto all = [&](const Transformer& model) {
    InterventionTable table(3, 16, model.device());
    add_to(table, model.config(), "add", 0.8, 1, "generated");
    add_to(table, model.config(), "ablate", 1.0, 0, "all");
    std::vector<GenerationRequest> requests;
    std::vector<ScoreRequest> scored;
    std::vector<DivergenceText> texts;
    for (const auto& row : texts_of({9, 6, 12, 7})) {
      const auto i = static_cast<std::int64_t>(requests.size());
      requests.push_back({.prompt = row,
                          .configuration = i % 3 - 1,
                          .adapter_strength = i % 2 == 0 ? 0.0 : 1.0,
                          .sampling = {.temperature = i == 3 ? 0.7 : 0.0},
                          .seed = 5,
                          .max_tokens = 6});
      scored.push_back({.prompt = row,
                        .answers = {{1, 2, 3}, {4, 5}},
                        .configuration = i % 3 - 1});
      texts.push_back({row, 4});
    }
    // Three slots for four texts: one is used again.
    const GenerationOptions options{.stop_ids = {2}, .max_rows = 3};
    std::vector<std::int32_t> ids;
    std::vector<float> numbers;
    for (const auto& text : generate_all(model, &table, requests, options)) {
      ids.insert(ids.end(), text.ids.begin(), text.ids.end());
      numbers.insert(numbers.end(), text.log_probs.begin(),
                     text.log_probs.end());
    }
    for (const auto& text : score_all(model, &table, scored, options)) {
      for (const auto& answer : text.log_probs) {
        numbers.insert(numbers.end(), answer.begin(), answer.end());
      }
    }
    const DivergenceSetting settings[] = {{.configuration = 0},
                                          {.adapter_strength = 1.0}};
    for (const auto& setting :
         token_divergences(model, table, texts, settings)) {
      numbers.insert(numbers.end(), setting.begin(), setting.end());
    }
    return std::pair(ids, numbers);
  };
  const auto [ids, numbers] = all(model_);
  const auto [host_ids, host_numbers] = all(host_);
  EXPECT_EQ(ids, host_ids);
  ASSERT_EQ(numbers.size(), host_numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    EXPECT_NEAR(numbers[i], host_numbers[i], 1e-4);
  }
}

TEST_F(OnDevice, Float16ThatEndsIsToldAsSuch) {
  auto weights = random_weights(host_.config(), /*seed=*/1);
  weights.at("model.norm.weight").fill_(6e4);
  for (auto& [name, weight] : weights) {
    weight = weight.to(tested_device(), at::kHalf);
  }
  const Transformer half(host_.config(), std::move(weights));
  const std::vector<std::int32_t> prompt = texts_of({6})[0];
  const auto told = [&](const auto& work) {
    try {
      work();
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  const GenerationRequest request{.prompt = prompt};
  EXPECT_THAT(told([&] { generate_all(half, nullptr, {&request, 1}, {}); }),
              ::testing::HasSubstr("65504"));
  const ScoreRequest scored{.prompt = prompt, .answers = {{1, 2}}};
  EXPECT_THAT(told([&] { score_all(half, nullptr, {&scored, 1}, {}); }),
              ::testing::HasSubstr("65504"));
}

// Steered beyond float16 a text ends and a score is none; what runs beside it
// and what takes its slot is as without it.
TEST_F(OnDevice, WhatIsSteeredBeyondFloat16IsLostAlone) {
  const Transformer half = tiny_model_on(tested_device(), at::kHalf);
  InterventionTable table(3, 16, half.device());
  add_to(table, half.config(), "add", 1e5, 1, "generated");
  std::vector<GenerationRequest> sound;
  std::vector<GenerationRequest> all;
  for (const auto& prompt : texts_of({6, 9, 4, 6, 11})) {
    sound.push_back({.prompt = prompt, .max_tokens = 6});
    all.push_back(sound.back());
    all.push_back(sound.back());
    all.back().configuration = 0;
  }
  GenerationOptions options;
  options.max_rows = 3;
  const auto alone = generate_all(half, &table, sound, options);
  const auto found = generate_all(half, &table, all, options);
  for (std::size_t i = 0; i < sound.size(); ++i) {
    EXPECT_EQ(found[2 * i].ids, alone[i].ids) << i;
    EXPECT_EQ(found[2 * i].reason, StopReason::kLength) << i;
    EXPECT_EQ(found[2 * i + 1].reason, StopReason::kNotFinite) << i;
  }
  const ScoreRequest scored{
      .prompt = sound[0].prompt, .answers = {{1, 2}}, .configuration = 0};
  EXPECT_TRUE(std::isnan(score_all(half, &table, {&scored, 1}, {})[0].mean(0)));
}

TEST_F(OnDevice, WhatIsReadOfTexts) {
  attach(random_adapter(host_, 2, 5));
  std::vector<EncodedChat> texts;
  for (auto& ids : texts_of({9, 6, 12, 7})) {
    EncodedChat text;
    text.roles.assign(ids.size(), TokenRole::kAnswer);
    text.ids = std::move(ids);
    text.prompt_length = text.answer_begin = 4;
    text.answer_end = std::ssize(text.ids) - 1;
    texts.push_back(std::move(text));
  }
  CaptureRequest request;
  request.positions = {parse_position("prompt_end"),
                       parse_position("answer_mean")};
  request.points = {ResidualPoint::kResidPost, ResidualPoint::kAttnOut};
  request.adapter_strength = 1.0;
  request.norms = true;
  request.batch_tokens = 20;
  const auto ours = capture_texts(model_, texts, request);
  const auto theirs = capture_texts(host_, texts, request);
  for (std::size_t p = 0; p < 2; ++p) {
    expect_close(ours.stacked_LND(p), theirs.stacked_LND(p), kRounding);
  }
  EXPECT_NEAR(ours.norms[2].generated.mean, theirs.norms[2].generated.mean,
              1e-4);
}

}  // namespace
}  // namespace veer::testing
