// SPDX-License-Identifier: MIT
#include "veer/interventions/proof.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"
#include "veer/interventions/blend.h"
#include "veer/interventions/from_vector.h"

namespace veer {
namespace {

class Proof : public ::testing::Test {
 protected:
  Proof() {
    at::set_num_threads(1);
    model_.attach(random_adapter(model_, 2, 5));
    Random random(3);
    const auto make = [&] { return random_tensor({3, 16}, random); };
    input_.name = "probe";
    for (auto* tensor :
         {&input_.directions_LD, &input_.negative_mean_LD,
          &input_.positive_mean_LD, &input_.read_LD, &input_.mean_LD,
          &input_.second_LD, &input_.condition_LD}) {
      *tensor = make();
    }
    const at::Tensor two[] = {make(), make()};
    input_.basis_LKD = orthonormal_basis(two);
    input_.low_rank_read_LKD = input_.basis_LKD;
    input_.low_rank_target_LKD = random_tensor({3, 2, 16}, random);
    input_.low_rank_bias_LK = random_tensor({3, 2}, random);
    probe_.ids = {4, 9, 2, 17, 5, 11, 8};
    probe_.prompt_length = 4;
    probe_.adapter_strength = 0.5;
  }

  Intervention wish(std::string_view operation, const char* scope) const {
    Intervention wish;
    wish.operation = operation;
    wish.scale = 0.7;
    wish.layer_mode = LayerMode::kAllOwn;
    wish.scope = parse_scope(scope);
    return wish;
  }

  Transformer model_ = tiny_model();
  SteeringInput input_;
  ProbeText probe_;
};

TEST_F(Proof, HoldsForEveryOperatorAndScope) {
  for (const auto& row : operator_table()) {
    for (const char* scope : {"all", "prompt", "generated", "first:2"}) {
      const auto edits = compile(wish(row.name, scope), input_, 3);
      const auto proof = prove_application(model_, edits, probe_);
      EXPECT_TRUE(proof.holds)
          << row.name << " " << scope << ": " << proof.summary;
      EXPECT_EQ(proof.sites.size(), 9U);
    }
  }
}

TEST_F(Proof, HoldsForTheMatchedControlOfEveryOperator) {
  Random random(4);
  const at::Tensor two[] = {random_tensor({3, 16}, random),
                            random_tensor({3, 16}, random)};
  input_.control_LKD = orthonormal_basis(two);
  for (const auto& row : operator_table()) {
    if (row.name == "patch") {
      continue;
    }
    const auto proof = prove_application(
        model_, compile(wish(row.name, "generated"), input_, 3), probe_);
    EXPECT_TRUE(proof.holds) << row.name << ": " << proof.summary;
  }
}

TEST_F(Proof, CountsTheTokensMeant) {
  const auto proof = prove_application(
      model_, compile(wish("add", "generated"), input_, 3), probe_);
  for (const auto& site : proof.sites) {
    EXPECT_EQ(site.tokens_meant, 4) << site.way;
    EXPECT_EQ(site.tokens_moved, 4) << site.way;
    EXPECT_EQ(site.strays, 0) << site.way;
    EXPECT_GT(site.mean_displacement, 0.0) << site.way;
  }
}

// What the dtype cannot hold is no deviation from the formula, and no proof.
TEST_F(Proof, TellsStatesBeyondTheDtype) {
  auto strong = wish("add", "generated");
  strong.unit = ScaleUnit::kUnit;
  auto sound = prove_application(model_, compile(strong, input_, 3), probe_);
  EXPECT_TRUE(sound.holds);
  EXPECT_FALSE(sound.overflows);
  strong.scale = 3e38;  // four times that is infinite in fp32
  const auto once = compile(strong, input_, 3);
  std::vector<SiteEdit> edits;
  for (int i = 0; i < 4; ++i) {
    edits.insert(edits.end(), once.begin(), once.end());
  }
  const auto proof = prove_application(model_, edits, probe_);
  EXPECT_TRUE(proof.holds) << proof.summary;
  EXPECT_TRUE(proof.overflows);
  for (const auto& site : proof.sites) {
    EXPECT_GT(site.overflows, 0) << site.way;
    EXPECT_EQ(site.tokens_meant, 0) << site.way;
  }
}

TEST_F(Proof, OfNothingIsTrivial) {
  EXPECT_TRUE(prove_application(model_, {}, probe_).holds);
  probe_.prompt_length = 9;
  EXPECT_THROW(prove_application(model_, {}, probe_), Error);
}

TEST(Blend, RenormalisesTheWeightedUnits) {
  const at::Tensor vectors[] = {at::ones({1, 2}) * 0.0, at::ones({1, 2}) * 0.0};
  vectors[0][0][0] = 2.0;
  vectors[1][0][1] = 4.0;
  const double weights[] = {1.0, 1.0};
  const auto mixed = blend(vectors, weights);
  EXPECT_NEAR(mixed[0][0].item<double>(), 3.0 / std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(mixed[0][1].item<double>(), 3.0 / std::sqrt(2.0), 1e-6);
  const double cancelling[] = {0.0, 0.0};
  EXPECT_EQ(blend(vectors, cancelling).abs().sum().item<double>(), 0.0);
  EXPECT_THROW(blend(vectors, {weights, 1}), Error);
}

TEST(Blend, PartsAddUpAndStandAtRightAngles) {
  Random random(1);
  const auto v = random_tensor({3, 8}, random);
  const auto w = random_tensor({3, 8}, random);
  const auto parts = split_along(v, w);
  EXPECT_TRUE((parts.parallel_LD + parts.perpendicular_LD).allclose(v));
  EXPECT_LT((parts.perpendicular_LD * w).sum(-1).abs().max().item<double>(),
            1e-5);
  const at::Tensor dependent[] = {v, v * 2.0};
  EXPECT_THROW(orthonormal_basis(dependent), Error);
}

TEST(FromVector, TakesTheNormsOfTheSideThatIsSteered) {
  SteeringVector vector;
  vector.name = "v";
  vector.directions_LD = at::ones({2, 4});
  vector.residual_norms = {{"base.generated", {1.0, 2.0}},
                           {"tuned.generated", {3.0, 4.0}},
                           {"base.prompt", {5.0, 6.0}}};
  vector.tokens.sd = {0.1, 0.2};
  const auto base = input_of(vector, "base");
  EXPECT_EQ(base.norms.generated_L, (std::vector<double>{1.0, 2.0}));
  EXPECT_EQ(base.norms.prompt_L, (std::vector<double>{5.0, 6.0}));
  EXPECT_TRUE(base.norms.prompt_end_L.empty());
  EXPECT_EQ(base.sigma_L, vector.tokens.sd);
  EXPECT_EQ(input_of(vector, "tuned").norms.generated_L[1], 4.0);
  EXPECT_THROW(input_of(vector, "other"), Error);
}

}  // namespace
}  // namespace veer
