// SPDX-License-Identifier: MIT
#include "veer/run/extract_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/run/unrelated_texts.h"

namespace veer {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

TEST(ExtractInputs, MethodsMultiplyTheVectors) {
  ExtractSettings settings;
  settings.vectors = {"finetuned@answer_mean", "content:pca_diff@answer_mean",
                      "adapter:o_proj"};
  settings.methods = {"logistic", "pca_diff"};
  EXPECT_THAT(
      vector_names(settings),
      ElementsAre("finetuned@answer_mean", "content:pca_diff@answer_mean",
                  "adapter:o_proj", "finetuned:logistic@answer_mean",
                  "finetuned:pca_diff@answer_mean"));
  EXPECT_EQ(manifest_specs(settings).size(), 4U);
  settings.methods = {"magic"};
  EXPECT_THROW(vector_names(settings), Error);
}

TEST(ExtractInputs, ConfoundsComeOncePerPositionAndNeverZero) {
  ExtractSettings settings;
  settings.vectors = {"contrastive@answer_mean", "finetuned@answer_mean",
                      "finetuned@prompt_end", "finetuned@prompt_end@mlp_out"};
  std::vector<std::string> names;
  for (const auto& spec : confound_specs(manifest_specs(settings))) {
    names.push_back(spec.name);
  }
  EXPECT_EQ(names.size(), 9U);
  EXPECT_THAT(names, Contains("confound_length@answer_mean"));
  EXPECT_THAT(names, Contains("confound_system@prompt_end"));
  EXPECT_THAT(names, Not(Contains("confound_length@prompt_end")));
}

TEST(ExtractInputs, AConfoundWithoutTextsStopsNothing) {
  ExtractSettings settings;
  settings.vectors = {"finetuned@answer_mean"};
  auto specs = confound_specs(manifest_specs(settings));
  std::vector<ExtractItem> items(6);
  EXPECT_THAT(drop_unmakeable(specs, items),
              ElementsAre("confound_length@answer_mean",
                          "confound_paraphrase@answer_mean"));
  EXPECT_EQ(specs.size(), 4U);
  for (auto& item : items) {
    item.second = "Yes.";
  }
  EXPECT_TRUE(drop_unmakeable(specs, items).empty());
  // A copy of the first answer is no second one.
  for (auto& item : items) {
    item.honest = item.second;
  }
  specs = confound_specs(manifest_specs(settings));
  EXPECT_EQ(drop_unmakeable(specs, items).size(), 2U);
}

TEST(UnrelatedTexts, AreThereWithoutAFile) {
  const auto pairs = unrelated_texts("");
  EXPECT_GE(pairs.size(), 32U);
  for (const auto& [question, answer] : pairs) {
    EXPECT_FALSE(question.empty() || answer.empty());
  }
  EXPECT_THROW(unrelated_texts("no/such/file.jsonl"), Error);
}

}  // namespace
}  // namespace veer
