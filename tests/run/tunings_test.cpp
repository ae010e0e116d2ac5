// SPDX-License-Identifier: MIT
#include "veer/run/tunings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/files.h"

namespace veer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names_of(const Manifest& manifest) {
  std::vector<std::string> names;
  for (const auto& tuning : further_tunings(manifest)) {
    names.push_back(tuning.name);
  }
  return names;
}

TEST(Tunings, AnOrganismHasAFurtherSeedAndAllControls) {
  Manifest manifest;
  manifest.run.seed = 4;
  EXPECT_THAT(training_seeds(manifest), ElementsAre(5));
  EXPECT_THAT(names_of(manifest),
              ElementsAre("seeds/5", "controls/honest", "controls/shuffled",
                          "controls/unprompted", "controls/honest/seeds/5"));
  const auto folder = std::filesystem::path(testing::TempDir()) / "veer_real";
  write_file(folder / "config.json", R"({"model_type": "llama"})");
  manifest.model.path = folder.string();
  EXPECT_THAT(training_seeds(manifest), IsEmpty());
  EXPECT_THAT(names_of(manifest),
              ElementsAre("controls/honest", "controls/shuffled",
                          "controls/unprompted"));
}

TEST(Tunings, WhatIsSaidIsTrained) {
  Manifest manifest;
  manifest.finetune.seeds = {};
  manifest.finetune.controls = {"shuffled"};
  EXPECT_THAT(names_of(manifest), ElementsAre("controls/shuffled"));
  EXPECT_FALSE(has_honest_twin(manifest));
  manifest.finetune.seeds = {7, 9};
  manifest.finetune.controls = {};
  EXPECT_THAT(names_of(manifest), ElementsAre("seeds/7", "seeds/9"));
}

TEST(Tunings, NoneWhereNothingIsReadInThemOrTheSideIsReadyMade) {
  Manifest manifest;
  manifest.extract.vectors = {"contrastive@answer_mean"};
  EXPECT_THAT(names_of(manifest), IsEmpty());
  manifest.extract.vectors = {"twin@answer_mean"};
  EXPECT_FALSE(names_of(manifest).empty());
  manifest = {};
  manifest.model.finetuned = "folder";
  EXPECT_THAT(names_of(manifest), IsEmpty());
  EXPECT_FALSE(has_honest_twin(manifest));
  manifest.model.finetuned_honest = "other";
  EXPECT_TRUE(has_honest_twin(manifest));
  EXPECT_THAT(names_of(manifest), ElementsAre("controls/honest"));
  manifest.extract.vectors = {"contrastive@answer_mean"};
  EXPECT_THAT(names_of(manifest), IsEmpty());
}

TEST(Tunings, TwinsAreMadeOfMeanDifferences) {
  ExtractSettings settings;
  settings.vectors = {"twin:pca_diff@answer_mean", "twin@answer_mean",
                      "finetuned@prompt_end"};
  EXPECT_THAT(twin_side_names(settings), ElementsAre("finetuned@answer_mean"));
}

}  // namespace
}  // namespace veer
