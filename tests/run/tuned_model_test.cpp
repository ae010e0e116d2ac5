// SPDX-License-Identifier: MIT
#include "veer/run/tuned_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

ExtractSettings vectors(std::vector<std::string> names) {
  ExtractSettings settings;
  settings.vectors = std::move(names);
  return settings;
}

TEST(TunedModel, IsNeededByWhatIsMadeFromIt) {
  EXPECT_TRUE(vectors_need_tuned({}));
  for (const char* name :
       {"finetuned@answer_mean", "finetuned_own@answer_mean", "adapter",
        "adapter:o_proj", "within_ft@answer_mean",
        "contrastive_tuned@prompt_end", "content@answer_mean",
        "interaction@answer_mean", "domain@answer_mean", "original_finetuned",
        "twin@answer_mean"}) {
    EXPECT_TRUE(vectors_need_tuned(vectors({"contrastive@prompt_end", name})))
        << name;
  }
  for (const char* name :
       {"contrastive@answer_mean", "contrastive:logistic@prompt_end", "bipo",
        "reft_r1", "content_base@answer_mean", "contrastive_free@answer_last",
        "original_contrastive", "confound_length@answer_mean"}) {
    EXPECT_FALSE(vectors_need_tuned(vectors({name}))) << name;
  }
}

TEST(TunedModel, IsTrainedOnlyForStagesThatNeedIt) {
  Manifest manifest;
  EXPECT_FALSE(needs_tuned(manifest, "dataset"));
  for (const char* stage : {"finetune", "extract", "compare", "report"}) {
    EXPECT_TRUE(needs_tuned(manifest, stage)) << stage;
  }
  manifest.extract = vectors({"contrastive@answer_mean"});
  EXPECT_TRUE(needs_tuned(manifest, "finetune"));  // asked for by name
  EXPECT_FALSE(needs_tuned(manifest, "extract"));
  EXPECT_FALSE(needs_tuned(manifest, "compare"));
  EXPECT_TRUE(needs_tuned(manifest, "sweep"));  // sweep.models names it
  manifest.sweep.models = {"base"};
  EXPECT_FALSE(needs_tuned(manifest, "sweep"));
  EXPECT_FALSE(needs_tuned(manifest, "report"));
  const auto without = without_tuned(manifest);
  EXPECT_FALSE(without.sweep.ceiling);
  EXPECT_TRUE(without.sweep.adapter_strengths.empty());
}

TEST(TunedModel, KeysThatTrainNothingBesideAReadySideAreNamed) {
  Manifest manifest;
  manifest.finetune.controls = {"honest"};
  manifest.finetune.steps = 9;
  EXPECT_EQ(unused_training_keys(manifest), "");
  manifest.model.finetuned = "folder";
  EXPECT_EQ(unused_training_keys(manifest),
            "finetune.steps, finetune.controls");
  manifest.finetune = {};
  manifest.finetune.rank = 4;
  manifest.finetune.controls = {};
  EXPECT_EQ(unused_training_keys(manifest), "");
}

TEST(TunedModel, TwinsOfTheDefaultGoWithoutAnHonestTwinAndNamedOnesAreRefused) {
  const auto twins_of = [](const Manifest& manifest) {
    return std::ranges::count_if(
        manifest.extract.vectors,
        [](const auto& name) { return name.starts_with("twin@"); });
  };
  Manifest manifest;
  EXPECT_EQ(twins_of(without_twins(manifest)), 2);
  for (const bool ready : {false, true}) {
    manifest = {};
    manifest.finetune.controls = {"shuffled"};
    manifest.model.finetuned = ready ? "folder" : "";
    EXPECT_EQ(without_twins(manifest).extract.vectors.size(), 4U);
    EXPECT_EQ(twins_of(without_twins(manifest)), 0);
    manifest.extract =
        vectors({"contrastive@answer_mean", "adapter", "twin@answer_mean"});
    try {
      without_twins(manifest);
      FAIL() << "a twin by name without an honest twin";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("twin@answer_mean"));
      EXPECT_THAT(
          error.what(),
          testing::HasSubstr(ready ? "model.finetuned" : "finetune.controls"));
    }
  }
}

TEST(TunedModel, LinesOfTheDefaultGridThatNeedBothVectorsGoWithoutOne) {
  Manifest manifest;
  EXPECT_EQ(without_pair_lines(manifest).sweep.grid, manifest.sweep.grid);
  manifest.extract = vectors({"contrastive@answer_mean"});
  manifest.sweep.grid.push_back("rotate scales=45");  // the user's own
  const auto grid = without_pair_lines(manifest).sweep.grid;
  EXPECT_EQ(grid.size(), manifest.sweep.grid.size() - 4);
  EXPECT_EQ(grid.back(), "rotate scales=45");
  for (const auto& line : grid) {
    EXPECT_EQ(line.find("blend"), std::string::npos) << line;
    EXPECT_EQ(line.find("private"), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace veer
