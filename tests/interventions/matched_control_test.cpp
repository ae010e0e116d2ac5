// SPDX-License-Identifier: MIT
#include "veer/interventions/matched_control.h"

#include <string>
#include <utility>
#include <vector>

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "interventions/support.h"
#include "veer/base/error.h"
#include "veer/interventions/displacement.h"

namespace veer::testing {
namespace {

constexpr std::int64_t kTokens = 40;

// The states [T, D] after one edit at layer 1 and how far each token moved.
struct Applied {
  at::Tensor states_TD;
  std::vector<TokenMove> moves;
};

Applied applied(const Intervention& wish, const SteeringInput& input,
                bool generic = false) {
  InterventionTable table(kLayers, kWidth);
  table.set_generic_only(generic);
  table.add(compile(wish, input, kLayers));
  // The second row is the donor of what copies states.
  const RowBinding rows[] = {{.configuration = 0, .donor = 1}, {}};
  table.bind(rows);
  Applied result;
  table.record_moves(&result.moves);
  const auto states_TD = normal({2 * kTokens, kWidth}, 20) * 3.0;
  result.states_TD = table.visit({1, ResidualPoint::kResidPost}, states_TD,
                                 batch_of({kTokens, kTokens}));
  return result;
}

SteeringInput control_input(std::uint64_t seed) {
  auto input = full_input();
  input.control_LKD = orthonormal(3, seed);
  return input;
}

bool has_control(const OperatorRow& row) {
  return row.name != "patch";
}

TEST(MatchedControl, MovesEveryTokenAsFarAsTheEditOfEveryOperator) {
  for (const auto& row : operator_table()) {
    if (!has_control(row)) {
      continue;
    }
    const auto wish = at_layer(std::string(row.name), 0.7);
    const auto real = applied(wish, full_input());
    ASSERT_EQ(real.moves.size(), static_cast<std::size_t>(kTokens)) << row.name;
    double most = 0.0;
    for (const std::uint64_t seed : {30, 31, 32}) {
      const auto control = applied(wish, control_input(seed));
      ASSERT_EQ(control.moves.size(), real.moves.size()) << row.name;
      for (std::size_t t = 0; t < real.moves.size(); ++t) {
        EXPECT_NEAR(control.moves[t].length, real.moves[t].length,
                    1e-5 * real.moves[t].length + 1e-5)
            << row.name << " token " << t;
        most = std::max(most, real.moves[t].length);
      }
      EXPECT_FALSE(at::allclose(control.states_TD, real.states_TD)) << row.name;
    }
    EXPECT_GT(most, 0.1) << row.name;
  }
}

TEST(MatchedControl, BothWaysOfApplyingAgree) {
  for (const auto& row : operator_table()) {
    if (has_control(row)) {
      const auto wish = at_layer(std::string(row.name), 0.7);
      EXPECT_TRUE(at::allclose(applied(wish, control_input(30)).states_TD,
                               applied(wish, control_input(30), true).states_TD,
                               1e-4, 1e-4))
          << row.name;
    }
  }
}

// The formula of the header in fp64, for an edit whose own directions are
// plain: the part of the change along them is now along the random ones.
TEST(MatchedControl, TurnsTheChangeIntoTheRandomDirections) {
  const auto input = control_input(30);
  const auto wish = at_layer("ablate_subspace", 0.7);
  const auto before_TD = normal({2 * kTokens, kWidth}, 20) * 3.0;
  const auto change_TD =
      (applied(wish, input).states_TD - before_TD).narrow(0, 0, kTokens);
  const auto real_TD =
      (applied(wish, full_input()).states_TD - before_TD).narrow(0, 0, kTokens);
  // An ablation writes along its own directions alone.
  const auto expected_TD =
      real_TD.mm(input.basis_LKD[1].t()).mm(input.control_LKD[1]);
  EXPECT_TRUE(at::allclose(change_TD, expected_TD, 1e-4, 1e-4));
}

TEST(MatchedControl, OfAnAdditionIsTheAdditionOfTheRandomDirection) {
  const auto turned =
      applied(at_layer("add", 2.0, ScaleUnit::kRel), control_input(30));
  auto random = full_input();
  random.directions_LD = orthonormal(3, 30).select(1, 0).contiguous();
  const auto added = applied(at_layer("add", 2.0, ScaleUnit::kRel), random);
  EXPECT_TRUE(at::allclose(turned.states_TD, added.states_TD, 1e-5, 1e-5));
  EXPECT_TRUE(is_plain_addition("add"));
  EXPECT_TRUE(is_plain_addition("subtract"));
  for (const char* other : {"add_keep_norm", "gated_add", "ablate", "patch"}) {
    EXPECT_FALSE(is_plain_addition(other)) << other;
  }
}

TEST(MatchedControl, UsesTheRandomDirectionsOfTheLayerWhoseVectorActs) {
  auto wish = at_layer("ablate", 1.0);
  wish.layers = {0, 1};
  wish.source_layer = 2;
  const auto edits = compile(wish, control_input(30), kLayers);
  ASSERT_EQ(edits.size(), 2u);
  for (const auto& edit : edits) {
    EXPECT_TRUE(at::equal(edit.random_KD[0], orthonormal(3, 30)[2][0]));
  }
}

TEST(MatchedControl, RefusesWhatHasNoDirections) {
  EXPECT_THROW(compile(at_layer("patch", 1.0), control_input(30), kLayers),
               Error);
  auto few = full_input();
  few.control_LKD = orthonormal(1, 30);
  EXPECT_THROW(compile(at_layer("ablate_subspace", 1.0), few, kLayers), Error);
  few.control_LKD = normal({2, 1, kWidth}, 30);
  EXPECT_THROW(compile(at_layer("ablate", 1.0), few, kLayers), Error);
  // Its change depends on the state, like that of the edit itself.
  EXPECT_THROW(
      fixed_displacement(at_layer("add", 1.0), control_input(30), kLayers),
      Error);
}

}  // namespace
}  // namespace veer::testing
