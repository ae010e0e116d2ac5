// SPDX-License-Identifier: MIT
//
// What the work of a study asks of a card, counted: launches, times that the
// host waits, bytes in use at once. The numbers are those of today; a change
// that needs more fails, and one that needs a tenth less writes its own here.
// The model has 3 layers, grouped heads and bfloat16 weights, as a card runs
// it; its counts per layer are those of a large one.
#include <array>
#include <cstdint>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "device/cost.h"
#include "device/support.h"
#include "veer/capture/capture_texts.h"
#include "veer/generation/generate.h"

namespace veer::testing {
namespace {

class Budgets : public ::testing::Test {
 protected:
  void SetUp() override {
    if (is_real_device()) {
      GTEST_SKIP() << "only the fake device counts";
    }
    at::set_num_threads(1);
  }

  // One step of `rows` texts of one length, behind a prompt of 9 tokens.
  // `adapter`: its strengths, of every other row each.
  Cost decode_step(std::int64_t rows, bool steered,
                   std::array<double, 2> adapter = {0.0, 0.0}) {
    const auto run = [&](std::int64_t tokens) {
      const auto layers = model_.config().num_layers;
      InterventionTable table(layers, 16, model_.device());
      if (steered) {
        for (std::int64_t layer = 0; layer < layers; ++layer) {
          add_to(table, model_.config(), "add", 0.1, layer, "generated");
        }
      }
      std::vector<GenerationRequest> requests;
      for (std::int64_t i = 0; i < rows; ++i) {
        requests.push_back({.prompt = texts_of({9})[0],
                            .configuration = steered ? i % layers : -1,
                            .adapter_strength = adapter[i % 2],
                            .max_tokens = tokens});
      }
      return cost_of([&] { generate_all(model_, &table, requests, {}); });
    };
    return between(run(4), run(5));
  }

  Transformer model_ = tiny_model_on(tested_device(), at::kBFloat16);
};

TEST_F(Budgets, DecodeStep) {
  expect_within(decode_step(1, false), {66, 2, 10});
  expect_within(decode_step(64, false), {66, 2, 200});
  model_.attach(random_adapter(model_, 4, 5));
  expect_within(decode_step(64, false, {1.0, 1.0}), {84, 2, 203});
  // Strengths that differ scale the pairs' products, four a layer.
  expect_within(decode_step(64, false, {1.0, 0.0}), {99, 2, 203});
}

// As a sweep does it: rows of one batch are steered at different layers.
TEST_F(Budgets, DecodeStepSteeredAtEveryLayer) {
  expect_within(decode_step(64, true), {93, 2, 207});
}

// As many layers as a model of 3B has: the counts of docs/benchmarks.
TEST_F(Budgets, DecodeStepOf28Layers) {
  model_ = tiny_model_on(tested_device(), at::kBFloat16,
                         R"(, "num_hidden_layers": 28)");
  expect_within(decode_step(64, false), {391, 2, 1600});
  expect_within(decode_step(64, true), {643, 2, 1657});
  std::vector<std::int64_t> lengths;
  for (std::int64_t i = 0; i < 32; ++i) {
    lengths.push_back(3 + i * 37 / 31);
  }
  const auto forward = cost_of([&] {
    const at::NoGradGuard no_grad;
    model_.forward(pack(texts_of(lengths), model_.device()));
  });
  EXPECT_EQ(forward.launches, 317);
  EXPECT_EQ(forward.waits, 0);
  model_.attach(random_adapter(model_, 4, 5));
  expect_within(decode_step(64, false, {1.0, 1.0}), {559, 2, 1602});
}

TEST_F(Budgets, Prefill) {
  const auto pass = [&](std::vector<std::int64_t> lengths) {
    return cost_of([&] {
      const at::NoGradGuard no_grad;
      model_.forward(pack(texts_of(std::move(lengths)), model_.device()));
    });
  };
  expect_within(pass({40, 40, 40, 40}), {42, 0, 69});
  expect_within(pass({40, 31, 23, 12}), {42, 0, 47});
}

TEST_F(Budgets, Extraction) {
  std::vector<EncodedChat> texts;
  for (auto& ids : texts_of({40, 40, 40, 40})) {
    EncodedChat text;
    text.roles.assign(ids.size(), TokenRole::kAnswer);
    text.ids = std::move(ids);
    text.prompt_length = text.answer_begin = 20;
    text.answer_end = 39;
    texts.push_back(std::move(text));
  }
  CaptureRequest request;
  request.positions = {parse_position("prompt_end"),
                       parse_position("answer_mean")};
  expect_within(cost_of([&] { capture_texts(model_, texts, request); }),
                {58, 4, 74});
}

}  // namespace
}  // namespace veer::testing
