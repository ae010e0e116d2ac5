// SPDX-License-Identifier: MIT
#include "veer/results/vector_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veer {
namespace {

using Kind = VectorName::Kind;
using testing::ElementsAre;

TEST(VectorName, AnExtractedOneHasContrastMethodAndPosition) {
  const auto plain = parse_vector_name("contrastive@answer_mean");
  EXPECT_EQ(plain.kind, Kind::kExtracted);
  EXPECT_EQ(plain.head, "contrastive");
  EXPECT_EQ(plain.method, "");
  EXPECT_EQ(plain.position, "answer_mean");

  const auto made =
      parse_vector_name("contrastive:pca_diff@prompt_end@mlp_out");
  EXPECT_EQ(made.kind, Kind::kExtracted);
  EXPECT_EQ(made.head, "contrastive");
  EXPECT_EQ(made.method, "pca_diff");
  EXPECT_EQ(made.position, "prompt_end");

  EXPECT_EQ(parse_vector_name("original_contrastive").kind, Kind::kExtracted);
  EXPECT_EQ(parse_vector_name("").kind, Kind::kNone);
}

TEST(VectorName, AMethodIsNoMixture) {
  EXPECT_FALSE(
      parse_vector_name("contrastive:pca_diff@answer_mean").is_mixture());
  EXPECT_FALSE(parse_vector_name("adapter:o_proj").is_mixture());
  EXPECT_TRUE(parse_vector_name("blend:0.5").is_mixture());
}

TEST(VectorName, PartsFollowTheColons) {
  EXPECT_THAT(
      parse_vector_name("blend:0.5:contrastive@answer_mean:finetuned").parts,
      ElementsAre("0.5", "contrastive@answer_mean", "finetuned"));
  EXPECT_THAT(parse_vector_name("common:contrastive").parts,
              ElementsAre("contrastive"));
  EXPECT_EQ(parse_vector_name("adapter:o_proj").kind, Kind::kFixed);
  EXPECT_THAT(parse_vector_name("adapter:o_proj").parts, ElementsAre("o_proj"));
  EXPECT_THAT(parse_vector_name("adapter").parts, ElementsAre());
}

TEST(VectorName, ControlsNameTheVectorThatTheyStandInFor) {
  const auto shared = parse_vector_name("random-1");
  EXPECT_EQ(shared.kind, Kind::kRandom);
  EXPECT_FALSE(shared.stands_in());
  EXPECT_FALSE(shared.has_covariance);

  const auto own =
      parse_vector_name("random-cov-2|contrastive:lda@answer_mean");
  EXPECT_EQ(own.kind, Kind::kRandom);
  EXPECT_TRUE(own.has_covariance);
  EXPECT_EQ(own.head, "random-cov-2");
  EXPECT_EQ(own.of, "contrastive:lda@answer_mean");

  const auto draw = parse_vector_name("subset-20-3|finetuned@prompt_end");
  EXPECT_EQ(draw.kind, Kind::kSubset);
  EXPECT_EQ(draw.count, 20);
  EXPECT_EQ(draw.of, "finetuned@prompt_end");
  EXPECT_EQ(parse_vector_name("subset-x-3|a").count, 0);
}

TEST(VectorName, MadeAndParsedAreOne) {
  EXPECT_EQ(random_name(3), "random-3");
  const auto name = name_in_place(random_name(3, true), "twin@answer_mean");
  EXPECT_EQ(name, "random-cov-3|twin@answer_mean");
  EXPECT_EQ(parse_vector_name(name).of, "twin@answer_mean");
}

TEST(VectorName, TellFamilyAndPosition) {
  EXPECT_EQ(vector_family("contrastive@prompt_end"), "contrastive");
  EXPECT_EQ(vector_family("finetuned_own:pca_diff@answer_mean"), "finetune");
  EXPECT_EQ(vector_family("original_finetuned"), "finetune");
  EXPECT_EQ(vector_family("random-2|content@answer_mean"), "random");
  EXPECT_EQ(vector_family("random-cov-1|contrastive@prompt_end"), "random");
  EXPECT_EQ(vector_family("blend:0.5"), "blend");
  EXPECT_EQ(vector_family("content@answer_mean"), "content");
  EXPECT_EQ(vector_family("original_contrastive"), "contrastive");
  EXPECT_EQ(vector_position("content@answer_mean@resid_mid"), "answer_mean");
  EXPECT_EQ(vector_position("original_finetuned"), "");
}

TEST(VectorName, ThePrimaryPairSharesItsPosition) {
  const auto pair =
      primary_pair({"finetuned@answer_mean", "contrastive@prompt_end",
                    "finetuned@prompt_end"});
  EXPECT_EQ(pair.first, "contrastive@prompt_end");
  EXPECT_EQ(pair.second, "finetuned@prompt_end");
  EXPECT_EQ(
      primary_pair({"contrastive@prompt_end", "finetuned@answer_mean"}).second,
      "finetuned@answer_mean");
  EXPECT_TRUE(primary_pair({"content@answer_mean"}).first.empty());
}

}  // namespace
}  // namespace veer
