// SPDX-License-Identifier: MIT
//
// What a step of LoRA asks of a card, as budgets_test.cpp counts it.
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "device/cost.h"
#include "device/support.h"

namespace veer::testing {
namespace {

SftOptions options(bool recompute = false) {
  SftOptions options;
  options.lora.rank = 4;
  options.batch_size = 4;
  options.recompute = recompute;
  return options;
}

// One step behind a first one; the peak is that of both.
Cost lora_step(Transformer& model, const std::vector<SftExample>& data,
               SftOptions options) {
  const auto run = [&](std::int64_t steps) {
    options.steps = steps;
    return cost_of([&] {
      finetune(model, data, options, 1);
      model.detach();
    });
  };
  run(1);  // what happens once
  const auto fewer = run(2);
  return between(fewer, run(3));
}

class TrainingBudgets : public ::testing::Test {
 protected:
  void SetUp() override {
    if (is_real_device()) {
      GTEST_SKIP() << "only the fake device counts";
    }
    at::set_num_threads(1);
  }
};

TEST_F(TrainingBudgets, LoraStep) {
  Transformer model = tiny_model_on(fake::device(), at::kBFloat16);
  const auto data = examples_of({40, 31, 23, 12});
  expect_within(lora_step(model, data, options()), {377, 1, 306});
  expect_within(lora_step(model, data, options(true)), {512, 1, 199});
}

TEST_F(TrainingBudgets, LoraStepOf28Layers) {
  Transformer model = tiny_model_on(fake::device(), at::kBFloat16,
                                    R"(, "num_hidden_layers": 28)");
  const auto data = examples_of({40, 31, 23, 12});
  expect_within(lora_step(model, data, options()), {3067, 1, 2506});
}

// Llama-3.2-3B's shape a 32nd as wide.
TEST_F(TrainingBudgets, BytesPerTokenAndLayer) {
  const auto peak = [](std::int64_t layers, std::int64_t tokens) {
    Transformer model = tiny_model_on(
        fake::device(), at::kBFloat16,
        fmt::format(R"(, "num_hidden_layers": {}, "hidden_size": 96,
            "intermediate_size": 256, "num_attention_heads": 3,
            "num_key_value_heads": 1, "head_dim": 32)",
                    layers));
    auto o = options();
    o.lora.rank = 1;
    return static_cast<double>(
        lora_step(model, examples_of({tokens, tokens, tokens, tokens}), o)
            .peak_kb);
  };
  const double kb = (peak(6, 129) - peak(2, 129) - peak(6, 65) + peak(2, 65)) /
                    (4.0 * 4.0 * 64.0) * 32.0;
  EXPECT_LE(kb, 90.0);
  EXPECT_GE(kb, 81.0);
}

}  // namespace
}  // namespace veer::testing
