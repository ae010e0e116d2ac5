// SPDX-License-Identifier: MIT
#include "veer/vectors/twin_vector.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "vectors/planted.h"
#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::int64_t kWidth = 16;

// Base rows and, on the positive side, the rows of a model that adds `shift_D`.
ComparedVector tuned(const at::Tensor& base_ND, const at::Tensor& shift_D,
                     std::vector<std::string> ids) {
  ComparedVector out;
  out.vector.name = "finetuned@answer_mean";
  out.vector.contrast = "finetuned";
  out.vector.method = "mean_diff";
  out.vector.position = "answer_mean";
  out.vector.model_fingerprint = "m";
  out.vector.residual_norms["base.generated"] = {3.0, 4.0};
  out.vector.directions_LD = at::zeros({2, kWidth});
  out.rows.ids = std::move(ids);
  out.rows.model_fingerprint = "m";
  out.rows.site = "resid_post";
  const auto rows_ND = base_ND.to(at::kFloat);
  // Nothing is extracted at layer 0.
  const auto nothing_ND = at::zeros({base_ND.size(0), kWidth});
  out.rows.positive = {nothing_ND, (base_ND + shift_D).to(at::kFloat)};
  out.rows.negative = {nothing_ND, rows_ND};
  return out;
}

TEST(TwinVector, IsTheDifferenceOfTheTwoTunedModels) {
  const auto base_ND = normal_matrix(12, kWidth, 5);
  const auto spec = parse_vector_spec("twin@answer_mean");
  const auto twin = twin_vector(
      spec, tuned(base_ND, unit(kWidth, 0) + unit(kWidth, 1), item_ids(12)),
      tuned(base_ND, unit(kWidth, 0), item_ids(12)));
  EXPECT_EQ(twin.vector.name, "twin@answer_mean");
  EXPECT_EQ(twin.vector.contrast, "twin");
  EXPECT_EQ(twin.vector.num_items, 12);
  EXPECT_EQ(twin.rows.num_items(), 12);
  EXPECT_EQ(twin.vector.residual_norms.at("base.generated")[1], 4.0);
  const auto direction_D = as_double(twin.vector.directions_LD[1]);
  EXPECT_NEAR((direction_D - unit(kWidth, 1)).norm().item<double>(), 0.0, 1e-5);
  EXPECT_EQ(twin.vector.directions_LD[0].norm().item<double>(), 0.0);
  // Sides projected on it: one apart.
  EXPECT_NEAR(twin.vector.positive.mean[1] - twin.vector.negative.mean[1], 1.0,
              1e-5);
  EXPECT_TRUE(twin.vector.facts.contains("cell tuned_honest/none/honest"));
}

TEST(TwinVector, TakesTheQuestionsOfBoth) {
  const auto base_ND = normal_matrix(12, kWidth, 5);
  const auto twin = twin_vector(
      parse_vector_spec("twin@answer_mean"),
      tuned(base_ND, unit(kWidth, 1), item_ids(12)),
      // The same questions but the first two, in another place.
      tuned(base_ND.slice(0, 2, 12), unit(kWidth, 0), item_ids(10, 2)));
  EXPECT_EQ(twin.rows.ids, item_ids(10, 2));
  const auto difference_ND = twin.rows.differences(1);
  const auto expected_D = unit(kWidth, 1) - unit(kWidth, 0);
  EXPECT_NEAR((difference_ND - expected_D).abs().max().item<double>(), 0.0,
              1e-5);
}

TEST(TwinVector, RefusesOtherModelsAndTooFewQuestions) {
  const auto base_ND = normal_matrix(12, kWidth, 5);
  const auto spec = parse_vector_spec("twin@answer_mean");
  const auto own = tuned(base_ND, unit(kWidth, 1), item_ids(12));
  auto other = own;
  other.vector.model_fingerprint = "n";
  EXPECT_THROW(twin_vector(spec, own, other), Error);
  EXPECT_THROW(
      twin_vector(spec, own, tuned(base_ND, unit(kWidth, 1), item_ids(12, 10))),
      Error);
}

TEST(TwinVector, ItsNameSaysWhatItIsMadeOf) {
  const auto spec = parse_vector_spec("twin:pca_diff@prompt_end@resid_mid");
  EXPECT_TRUE(is_twin(spec));
  EXPECT_FALSE(is_twin(parse_vector_spec("finetuned@prompt_end")));
  EXPECT_EQ(tuned_side(spec).name, "finetuned@prompt_end@resid_mid");
  EXPECT_EQ(tuned_side(spec).method, "mean_diff");
  EXPECT_THROW(parse_vector_spec("twin:mean_centred@answer_mean"), Error);
}

}  // namespace
}  // namespace veer
