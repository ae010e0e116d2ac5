// SPDX-License-Identifier: MIT
#include "veer/vectors/readings.h"

#include <cmath>

#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "vectors/planted.h"
#include "veer/base/error.h"
#include "veer/vectors/item_statistics.h"

namespace veer {
namespace {

at::Tensor floats(std::int64_t rows, std::int64_t columns,
                  const std::vector<double>& values) {
  return matrix(rows, columns, values).to(at::kFloat);
}

TEST(LogitLens, RanksTheHeadsResponse) {
  const auto model = tiny_model();
  Random random(6);
  auto directions = random_tensor({3, 16}, random);
  directions.select(0, 1).zero_();
  const auto readings = logit_lens(model, directions, 4);
  ASSERT_EQ(readings.size(), 2U);  // layer 1 has no direction
  EXPECT_EQ(readings[1].layer, 2);
  const auto logits =
      model.logits((directions[2] / directions[2].norm()).unsqueeze(0))[0];
  EXPECT_EQ(readings[1].up[0].id, logits.argmax().item<std::int64_t>());
  EXPECT_EQ(readings[1].down[0].id, logits.argmin().item<std::int64_t>());
  EXPECT_GT(readings[1].up[0].logit, readings[1].up[3].logit);
  EXPECT_LT(readings[1].down[0].logit, 0.0);
}

TEST(ProjectOut, RemovesTheSpanAndSaysHowMuch) {
  const auto v = floats(1, 3, {3, 4, 12});
  const std::vector<at::Tensor> confounds = {
      floats(1, 3, {2, 0, 0}), floats(1, 3, {1, 5, 0}), floats(1, 3, {4, 4, 0}),
      floats(1, 3, {0, 0, 0})};
  const auto rest = project_out(v, confounds);
  EXPECT_LT((rest.directions_LD - floats(1, 3, {0, 0, 12}))
                .abs()
                .max()
                .item<double>(),
            1e-6);
  EXPECT_NEAR(rest.removed[0], 25.0 / 169.0, 1e-9);
  EXPECT_TRUE(project_out(v, {}).directions_LD.equal(v));
  const std::vector<at::Tensor> wrong = {floats(1, 2, {1, 1})};
  EXPECT_THROW(project_out(v, wrong), Error);
}

TEST(AdapterDirections, FindAPlantedRankOneUpdate) {
  // down_proj of layer 1 writes 3 e2 for one input direction of length 2.
  Adapter adapter;
  LoraPair pair;
  pair.A_RI = floats(1, 4, {0, 2, 0, 0});
  pair.B_OR = floats(3, 1, {0, 0, 3});
  pair.scale = 0.5;
  adapter.pairs["model.layers.1.mlp.down_proj"] = pair;
  const auto towards = floats(2, 3, {0, 0, 0, 0, 0, -1});
  const auto v = adapter_directions(adapter, 2, 3, "down_proj", towards);
  EXPECT_LT((v - floats(2, 3, {0, 0, 0, 0, 0, -3})).abs().max().item<double>(),
            1e-6);
  EXPECT_TRUE(adapter_directions(adapter, 2, 3, "", towards).equal(v));
  EXPECT_THROW(adapter_directions(adapter, 2, 3, "o_proj"), Error);
  EXPECT_THROW(adapter_directions(adapter, 2, 5, "down_proj"), Error);
}

}  // namespace
}  // namespace veer
