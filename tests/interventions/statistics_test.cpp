// SPDX-License-Identifier: MIT
#include "veer/interventions/statistics.h"

#include <ATen/ops/eye.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include "interventions/support.h"
#include "veer/base/error.h"

namespace veer {
namespace {

using testing::kLayers;
using testing::kWidth;
using testing::normal;

constexpr std::int64_t kItems = 60;

// Two classes that differ along one axis per layer, and their mean difference.
struct Planted {
  VectorRows rows;
  SteeringInput input;
};

Planted planted() {
  Planted made;
  std::vector<at::Tensor> directions;
  for (std::int64_t k = 0; k < kLayers; ++k) {
    const auto seed = static_cast<std::uint64_t>(k);
    auto negative = normal({kItems, kWidth}, 100 + seed);
    auto positive = normal({kItems, kWidth}, 200 + seed);
    positive.select(1, k).add_(4.0);
    directions.push_back(positive.mean(0) - negative.mean(0));
    made.rows.positive.push_back(positive);
    made.rows.negative.push_back(negative);
  }
  for (std::int64_t i = 0; i < kItems; ++i) {
    made.rows.ids.push_back(std::to_string(i));
  }
  made.input.name = "planted";
  made.input.directions_LD = at::stack(directions);
  return made;
}

// The state after one operator at layer 1, by the table.
at::Tensor steered(const SteeringInput& input, std::string operation,
                   const at::Tensor& states_TD) {
  InterventionTable table(kLayers, kWidth);
  const auto configuration = table.add(
      compile(testing::at_layer(std::move(operation), 1.0), input, kLayers));
  const RowBinding row{configuration, 1, -1};
  table.bind({&row, 1});
  return table.visit({1, ResidualPoint::kResidPost}, states_TD.clone(),
                     testing::batch_of({states_TD.size(0)}));
}

double class_gap(const at::Tensor& positive, const at::Tensor& negative) {
  return (positive.mean(0) - negative.mean(0)).norm().item<double>();
}

TEST(Statistics, SetToAClassMeanMovesTheMeanThere) {
  auto made = planted();
  add_statistics(made.input, OperatorNeed::kNegativeMean, made.rows);
  const auto v = made.input.directions_LD[1];
  const auto after = steered(made.input, "set_honest", made.rows.positive[1]);
  const auto wanted = made.rows.negative[1].mean(0).dot(v).item<double>();
  EXPECT_NEAR(after.mean(0).dot(v).item<double>(), wanted,
              1e-4 * std::abs(wanted) + 1e-3);
}

TEST(Statistics, LeaceErasesTheDifferenceOfTheMeans) {
  auto made = planted();
  add_statistics(made.input, OperatorNeed::kReadDirection, made.rows);
  const double before = class_gap(made.rows.positive[1], made.rows.negative[1]);
  const double after =
      class_gap(steered(made.input, "leace", made.rows.positive[1]),
                steered(made.input, "leace", made.rows.negative[1]));
  EXPECT_GT(before, 3.5);
  EXPECT_LT(after, 1e-4 * before);
}

TEST(Statistics, TheSubspaceHoldsTheDifference) {
  auto made = planted();
  add_statistics(made.input, OperatorNeed::kSubspace, made.rows, {.rank = 3});
  const auto basis_KD = made.input.basis_LKD[1];
  ASSERT_EQ(basis_KD.size(0), 3);
  EXPECT_LT((basis_KD.mm(basis_KD.t()) - at::eye(3)).abs().max().item<double>(),
            1e-5);
  const auto u =
      made.input.directions_LD[1] / made.input.directions_LD[1].norm();
  EXPECT_GT(basis_KD.mv(u).norm().item<double>(), 0.95);
}

TEST(Statistics, ALayerWithoutRowsTakesNoOtherItsSubspace) {
  const auto whole = planted();
  auto part = planted();
  for (auto* side : {&part.rows.positive, &part.rows.negative}) {
    side->at(0).zero_();  // as extract.layers leaves it
  }
  for (const char* operation : {"ablate_subspace", "low_rank"}) {
    auto of_whole = whole.input;
    auto of_part = part.input;
    const auto need = find_operator(operation).need;
    add_statistics(of_whole, need, whole.rows);
    add_statistics(of_part, need, part.rows);
    const auto& states = whole.rows.positive[1];
    const auto after = steered(of_part, operation, states);
    EXPECT_FALSE(after.equal(states)) << operation;
    EXPECT_TRUE(after.equal(steered(of_whole, operation, states))) << operation;
  }
}

TEST(Statistics, LowRankCarriesOneClassToTheOther) {
  auto made = planted();
  add_statistics(made.input, OperatorNeed::kLowRank, made.rows);
  const auto moved = steered(made.input, "low_rank", made.rows.negative[1]);
  const auto basis_KD = made.input.low_rank_read_LKD[1];
  const auto gap = (moved.mean(0) - made.rows.positive[1].mean(0));
  EXPECT_LT(basis_KD.mv(gap).norm().item<double>(), 1e-3);
}

TEST(Statistics, KeepWhatWasGivenAndRefuseOtherShapes) {
  auto made = planted();
  made.input.condition_LD = normal({kLayers, kWidth}, 9);
  const auto given = made.input.condition_LD.clone();
  add_statistics(made.input, OperatorNeed::kCondition, made.rows);
  EXPECT_TRUE(made.input.condition_LD.equal(given));
  made.rows.positive.pop_back();
  made.rows.negative.pop_back();
  EXPECT_THROW(add_statistics(made.input, OperatorNeed::kSubspace, made.rows),
               Error);
}

}  // namespace
}  // namespace veer
