// SPDX-License-Identifier: MIT
#include "veer/generation/divergence.h"

#include <cmath>

#include <ATen/Parallel.h>
#include <ATen/ops/log_softmax.h>
#include <gtest/gtest.h>

#include "generation/support.h"
#include "model/tiny_models.h"
#include "tensors/failing_allocator.h"
#include "veer/base/error.h"
#include "veer/model/packed_batch.h"

namespace veer {
namespace {

class DivergenceTest : public ::testing::Test {
 protected:
  DivergenceTest() {
    at::set_num_threads(1);
    model_.attach(random_full_adapter(model_, 2, 5));
    Random random(3);
    input_.name = "v";
    input_.directions_LD = random_tensor({3, 16}, random);
    texts_ = {{{4, 9, 2, 17, 5}, 3}, {{8, 3, 11}, 2}};
  }

  std::int64_t add(double scale) {
    Intervention wish;
    wish.scale = scale;
    wish.layers = {1};
    wish.scope = parse_scope("generated");
    return table_.add(compile(wish, input_, 3));
  }

  // log p of the tokens behind the answers, one text at a time.
  std::vector<at::Tensor> plainly(std::int64_t configuration, double strength) {
    std::vector<at::Tensor> rows;
    for (const auto& text : texts_) {
      const Rows ids = {{text.ids.begin(), text.ids.end() - 1}};
      const RowBinding row{configuration, text.prompt_length, -1};
      table_.bind({&row, 1});
      ForwardOptions options;
      ResidualHook* const hook = &table_;
      options.hooks = HookList(&hook, 1);
      options.adapter.uniform = strength;
      const auto hidden_TD = model_.forward(pack(ids), options);
      const auto logits_TV = model_.logits(hidden_TD, options.adapter);
      for (std::int64_t t = text.prompt_length - 1; t < logits_TV.size(0);
           ++t) {
        rows.push_back(at::log_softmax(logits_TV[t].to(at::kDouble), 0));
      }
    }
    return rows;
  }

  Transformer model_ = tiny_model();
  SteeringInput input_;
  InterventionTable table_{3, 16};
  std::vector<DivergenceText> texts_;
};

TEST_F(DivergenceTest, IsThatOfTheDistributionsOneByOne) {
  const std::vector<DivergenceSetting> settings = {{add(0.5), 0.0, 1.0},
                                                   {add(2.0), 1.0, 1.0}};
  // Room for one setting, and for all of them at once.
  for (const std::int64_t max_tokens : {1, 4096}) {
    const auto measured =
        token_divergences(model_, table_, texts_, settings, max_tokens);
    ASSERT_EQ(measured.size(), 2u);
    for (std::size_t s = 0; s < settings.size(); ++s) {
      const auto steered =
          plainly(settings[s].configuration, settings[s].adapter_strength);
      const auto plain = plainly(-1, settings[s].adapter_strength);
      ASSERT_EQ(measured[s].size(), 3u);  // two answer tokens and one
      for (std::size_t t = 0; t < steered.size(); ++t) {
        const double wanted =
            (steered[t].exp() * (steered[t] - plain[t])).sum().item<double>();
        EXPECT_GT(wanted, 1e-6);
        EXPECT_NEAR(measured[s][t], wanted, 1e-5 + 1e-4 * wanted);
      }
    }
  }
}

TEST_F(DivergenceTest, IsZeroWhereNothingActs) {
  const std::vector<DivergenceSetting> settings = {{-1, 1.0, 1.0},
                                                   {add(0.0), 0.0, 1.0}};
  for (const auto& tokens :
       token_divergences(model_, table_, texts_, settings)) {
    for (const double value : tokens) {
      EXPECT_NEAR(value, 0.0, 1e-7);
    }
  }
}

// Between two fp32 log-probabilities it would drown in their rounding.
TEST_F(DivergenceTest, OneThatIsSmallIsNotLost) {
  const DivergenceSetting setting{add(8e-3), 0.0, 1.0};
  const auto measured =
      token_divergences(model_, table_, texts_, {&setting, 1});
  const auto steered = plainly(setting.configuration, 0.0);
  const auto plain = plainly(-1, 0.0);
  for (std::size_t t = 0; t < steered.size(); ++t) {
    const double wanted =
        (steered[t].exp() * (steered[t] - plain[t])).sum().item<double>();
    EXPECT_LT(wanted, 1e-4);
    EXPECT_NEAR(measured[0][t] / wanted, 1.0, 1e-2) << wanted;
  }
}

TEST_F(DivergenceTest, ACopyOfTheOtherModelIsAsFarAsThatModel) {
  // The head of a patched row is its own model's: one that both share.
  model_.attach(random_adapter(model_, 2, 5));
  Intervention wish;
  wish.operation = "patch";
  wish.layers = {2};  // the last layer: all that the head sees
  wish.scope = parse_scope("all");
  const std::vector<DivergenceSetting> settings = {
      {table_.add(compile(wish, {}, 3)), 0.0, 1.0}};
  const auto measured = token_divergences(model_, table_, texts_, settings);
  const auto tuned = plainly(-1, 1.0);
  const auto base = plainly(-1, 0.0);
  for (std::size_t t = 0; t < tuned.size(); ++t) {
    const double wanted =
        (tuned[t].exp() * (tuned[t] - base[t])).sum().item<double>();
    EXPECT_NEAR(measured[0][t], wanted, 1e-5 + 1e-4 * wanted);
  }
}

TEST_F(DivergenceTest, TheUnsteeredSideMayHaveAnotherStrength) {
  DivergenceSetting setting{-1, 1.0};
  setting.plain_strength = 0.0;
  const auto measured =
      token_divergences(model_, table_, texts_, {&setting, 1});
  const auto tuned = plainly(-1, 1.0);
  const auto base = plainly(-1, 0.0);
  for (std::size_t t = 0; t < tuned.size(); ++t) {
    const double wanted =
        (tuned[t].exp() * (tuned[t] - base[t])).sum().item<double>();
    EXPECT_GT(wanted, 1e-6);
    EXPECT_NEAR(measured[0][t], wanted, 1e-5 + 1e-4 * wanted);
  }
}

TEST_F(DivergenceTest, AnotherPromptIsComparedBehindTheSameAnswer) {
  const auto behind = texts_;
  const auto base = plainly(-1, 0.0);
  texts_ = {{{7, 7, 4, 9, 2, 17, 5}, 5}, {{1, 8, 3, 11}, 3}};
  const auto prompted = plainly(-1, 0.0);
  DivergenceSetting setting;
  setting.texts = texts_;
  const auto shifts = answer_shifts(model_, table_, behind, {&setting, 1});
  ASSERT_EQ(shifts.size(), 1u);
  ASSERT_EQ(shifts[0].size(), 2u);
  const std::vector<std::vector<std::int64_t>> answers = {{17, 5}, {11}};
  std::size_t row = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto& shift = shifts[0][i];
    ASSERT_EQ(shift.divergence.size(), answers[i].size());
    for (std::size_t t = 0; t < answers[i].size(); ++t, ++row) {
      const auto &a = prompted[row], &b = base[row];
      const double kl = (a.exp() * (a - b)).sum().item<double>();
      EXPECT_NEAR(shift.divergence[t], kl, 1e-5 + 1e-4 * kl);
      EXPECT_NEAR(shift.log_prob_change[t],
                  (a[answers[i][t]] - b[answers[i][t]]).item<double>(), 1e-4);
      EXPECT_EQ(shift.top_kept[t], a.argmax().item<std::int64_t>() ==
                                       b.argmax().item<std::int64_t>());
    }
  }
  texts_[1].ids.back() = 12;  // another answer
  EXPECT_THROW(answer_shifts(model_, table_, behind, {&setting, 1}), Error);
}

TEST_F(DivergenceTest, IsUndefinedWhereSteeringLeavesNoNumbers) {
  const auto strong = testing::add_overflow(table_, model_.config());
  const std::vector<DivergenceSetting> settings = {{add(0.5), 0.0, 1.0},
                                                   {strong, 0.0, 1.0}};
  const auto found = token_divergences(model_, table_, texts_, settings);
  ASSERT_EQ(found[0].size(), found[1].size());
  for (std::size_t t = 0; t < found[0].size(); ++t) {
    EXPECT_GT(found[0][t], 0.0);
    EXPECT_TRUE(std::isnan(found[1][t]));
  }
  EXPECT_GT(summarise_divergence(found[0]).mean, 0.0);
  EXPECT_TRUE(std::isnan(summarise_divergence(found[1]).mean));
  EXPECT_TRUE(std::isnan(summarise_divergence(found[1]).p95));
  const double some[] = {0.5, NAN, 0.25};
  EXPECT_TRUE(std::isnan(summarise_divergence(some).mean));
  EXPECT_TRUE(std::isnan(summarise_divergence(some).p95));
  const auto shifts = answer_shifts(model_, table_, texts_, settings);
  for (const auto& shift : shifts[1]) {
    for (std::size_t t = 0; t < shift.divergence.size(); ++t) {
      EXPECT_TRUE(std::isnan(shift.divergence[t]));
      EXPECT_TRUE(std::isnan(shift.log_prob_change[t]));
      EXPECT_FALSE(shift.top_kept[t]);
    }
  }
}

TEST_F(DivergenceTest, RefusesAModelWithoutNumbers) {
  auto weights = random_weights(model_.config(), 1);
  weights.at("model.norm.weight").fill_(INFINITY);
  const Transformer damaged(model_.config(), std::move(weights));
  const DivergenceSetting steered{add(0.5)};
  EXPECT_THROW(token_divergences(damaged, table_, texts_, {&steered, 1}),
               Error);
}

TEST_F(DivergenceTest, RefusesTextsWithoutAnAnswer) {
  texts_[1].prompt_length = 3;
  const DivergenceSetting setting;
  EXPECT_THROW(token_divergences(model_, table_, texts_, {&setting, 1}), Error);
  EXPECT_THROW(token_divergences(model_, table_, {}, {&setting, 1}), Error);
  EXPECT_THROW(summarise_divergence({}), Error);
}

TEST_F(DivergenceTest, GoesOnWithFewerSettingsWhenMemoryRunsOut) {
  const std::vector<DivergenceSetting> settings = {
      {add(0.5), 0.0, 1.0}, {add(2.0), 1.0, 1.0}, {add(1.0), 0.0, 1.0}};
  const auto undisturbed = token_divergences(model_, table_, texts_, settings);
  Monitor monitor;
  std::int64_t messages = 0;
  monitor.on_message = [&](std::string_view) { ++messages; };
  for (std::int64_t at = 0;; at += 31) {
    messages = 0;
    const testing::FailingAllocator failing(at);
    const auto got =
        token_divergences(model_, table_, texts_, settings, 4096, monitor);
    if (!failing.has_failed()) {
      EXPECT_GT(at, 100);
      break;
    }
    EXPECT_EQ(messages, 1) << at;
    ASSERT_EQ(got.size(), 3U);
    for (std::size_t s = 0; s < 3; ++s) {
      for (std::size_t t = 0; t < undisturbed[s].size(); ++t) {
        EXPECT_NEAR(got[s][t], undisturbed[s][t],
                    1e-5 + 1e-4 * undisturbed[s][t]);
      }
    }
  }
}

TEST(DivergenceSummary, IsMeanAndPercentile) {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) {
    values.push_back(i);
  }
  const auto summary = summarise_divergence(values);
  EXPECT_NEAR(summary.mean, 50.5, 1e-9);
  EXPECT_EQ(summary.p95, 95.0);
}

}  // namespace
}  // namespace veer
