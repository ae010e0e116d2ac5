// SPDX-License-Identifier: MIT
#include "veer/study/finetune/stage.h"

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(FinetuneSettings, WhatIsLeftOpenSuitsTheModel) {
  const auto organism = fitted({}, /*organism=*/true);
  EXPECT_EQ(organism.learning_rate, 5e-4);
  EXPECT_EQ(organism.steps, 60);
  const auto real = fitted({}, /*organism=*/false);
  EXPECT_EQ(real.learning_rate, 2e-4);
  EXPECT_EQ(real.steps, 0);
  EXPECT_EQ(real.epochs, 3);
}

TEST(FinetuneSettings, WhatIsSaidStays) {
  FinetuneSettings said;
  said.learning_rate = 1e-3;
  said.epochs = 2;
  for (const bool organism : {true, false}) {
    const auto by_epochs = fitted(said, organism);
    EXPECT_EQ(by_epochs.learning_rate, 1e-3);
    EXPECT_EQ(by_epochs.steps, 0);
    EXPECT_EQ(by_epochs.epochs, 2);
  }
  said.steps = 7;
  EXPECT_EQ(sft_options(fitted(said, false), 100).steps, 7);
}

TEST(FinetuneSettings, IsLookedAtFourTimesUnlessSaidOtherwise) {
  FinetuneSettings settings;
  EXPECT_EQ(sft_options(fitted(settings, true), 400).evaluate_every, 15);
  // 3 epochs of 3 steps.
  EXPECT_EQ(sft_options(fitted(settings, false), 43).evaluate_every, 3);
  EXPECT_EQ(sft_options(fitted(settings, false), 1).evaluate_every, 1);
  settings.evaluate_every = 0;
  EXPECT_EQ(sft_options(fitted(settings, true), 400).evaluate_every, 0);
  EXPECT_EQ(sft_options(fitted(settings, true), 400).keep, "best");
}

}  // namespace
}  // namespace veer
