// SPDX-License-Identifier: MIT
#include "veer/vectors/contrasts.h"

#include <cmath>

#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

const TokenPosition kPromptEnd{TokenPosition::Kind::kPromptEnd};
const TokenPosition kAnswerMean{TokenPosition::Kind::kAnswerMean};

// Any numbers for the cells; the identities must hold for all of them.
double value(const Cell& cell) {
  return 1.0 + 2.0 * static_cast<int>(cell.model) +
         7.0 * static_cast<int>(cell.system) +
         31.0 * static_cast<int>(cell.answer) *
             (1 + 3 * static_cast<int>(cell.model));
}

double effect(const char* name) {
  double sum = 0.0;
  for (const auto& term : find_contrast(name).terms) {
    sum += term.weight * value(term.cell);
  }
  return sum;
}

TEST(Contrasts, SatisfyTheIdentitiesOfTheDesign) {
  const double c = effect("content");
  const double m = effect("finetuned");
  const double x = effect("interaction");
  EXPECT_NE(x, 0.0);
  EXPECT_DOUBLE_EQ(effect("content_base"), c - x / 2);
  EXPECT_DOUBLE_EQ(effect("within_ft"), c + x / 2);
  EXPECT_DOUBLE_EQ(effect("finetuned_honest"), m - x / 2);
  EXPECT_DOUBLE_EQ(effect("finetuned_deceptive"), m + x / 2);
  EXPECT_DOUBLE_EQ(
      value({CellModel::kTuned, CellSystem::kNone, CellAnswer::kDeceptive}) -
          value({CellModel::kBase, CellSystem::kNone, CellAnswer::kHonest}),
      c + m);
}

TEST(Contrasts, HaveWeightsThatCancelAndUnitSides) {
  for (const auto& contrast : contrasts()) {
    double sum = 0.0;
    for (const auto& term : contrast.terms) {
      sum += term.weight;
    }
    EXPECT_DOUBLE_EQ(sum, 0.0) << contrast.name;
  }
}

TEST(ContrastAt, MergesAnswersInsideThePrompt) {
  const auto terms = contrast_at(find_contrast("finetuned"), kPromptEnd);
  ASSERT_EQ(terms.size(), 2U);
  EXPECT_EQ(terms[0].cell.name(), "base/none/none");
  EXPECT_DOUBLE_EQ(terms[0].weight, -1.0);
  EXPECT_EQ(terms[1].cell.name(), "tuned/none/none");
  EXPECT_DOUBLE_EQ(terms[1].weight, 1.0);
  EXPECT_EQ(contrast_at(find_contrast("finetuned"), kAnswerMean).size(), 4U);
}

TEST(ContrastAt, RefusesWhatIsZeroByConstruction) {
  for (const char* name :
       {"content", "content_base", "within_ft", "interaction"}) {
    EXPECT_THROW(contrast_at(find_contrast(name), kPromptEnd), Error) << name;
    EXPECT_NO_THROW(contrast_at(find_contrast(name), kAnswerMean)) << name;
  }
}

TEST(VectorSpecs, AreParsed) {
  const auto spec =
      parse_vector_spec("content:pca_diff@answer_token.2@resid_mid");
  EXPECT_EQ(spec.contrast, "content");
  EXPECT_EQ(spec.method, "pca_diff");
  EXPECT_EQ(spec.position.index, 2);
  EXPECT_EQ(spec.point, ResidualPoint::kResidMid);
  EXPECT_EQ(parse_vector_spec("contrastive@prompt_end").method, "mean_diff");
  EXPECT_EQ(parse_vector_spec("original_contrastive").contrast,
            "contrastive_free");
  EXPECT_EQ(parse_vector_spec("original_finetuned").position, kPromptEnd);
}

TEST(VectorSpecs, BadOnesAreRefused) {
  for (const char* text :
       {"contrastive", "nothing@prompt_end", "content@prompt_end",
        "finetuned@nowhere", "finetuned:best@prompt_end",
        "finetuned@prompt_end@nowhere", ""}) {
    EXPECT_THROW(parse_vector_spec(text), Error) << text;
  }
}

TEST(Contrasts, ConfoundsAreNoneOfTheTrait) {
  const auto names = confound_names();
  EXPECT_EQ(names.size(), 6U);
  EXPECT_THROW(parse_vector_spec("confound_length@prompt_end"), Error);
  EXPECT_NO_THROW(parse_vector_spec("confound_system@prompt_end"));
}

TEST(Contrasts, AgainstACorpusKeepThePositiveSide) {
  const auto terms =
      against_corpus(contrast_at(find_contrast("contrastive"), kAnswerMean));
  ASSERT_EQ(terms.size(), 3U);
  EXPECT_EQ(terms.back().cell.name(), "base/none/unrelated");
  EXPECT_DOUBLE_EQ(terms.back().weight, -1.0);
}

}  // namespace
}  // namespace veer
