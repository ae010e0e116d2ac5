// SPDX-License-Identifier: MIT
#include "veer/interventions/table.h"

#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interventions/reference.h"
#include "interventions/support.h"
#include "veer/base/error.h"

namespace veer {
namespace {

using testing::at_layer;
using testing::batch_of;
using testing::full_input;
using testing::kLayers;
using testing::kWidth;
using testing::normal;

constexpr ResidualSite kSite{1, ResidualPoint::kResidPost};

// The states after one configuration acted on a single row of them.
at::Tensor applied(const Intervention& wish, const at::Tensor& states_TD,
                   bool generic = false,
                   const SteeringInput& input = full_input()) {
  InterventionTable table(kLayers, kWidth);
  table.set_generic_only(generic);
  const auto index = table.add(compile(wish, input, kLayers));
  const RowBinding row{index, states_TD.size(0), -1};
  table.bind({&row, 1});
  return table.visit(kSite, states_TD.clone(), batch_of({states_TD.size(0)}));
}

double largest_gap(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

TEST(Table, EachOperatorEqualsItsFormula) {
  const auto states_TD = normal({40, kWidth}, 20);
  const auto donors_TD = normal({40, kWidth}, 21);
  const auto input = full_input();
  const auto x = testing::reference_input(input, 1);
  for (const auto& row : operator_table()) {
    const std::string name(row.name);
    for (const double scale : {0.6, -0.8, 1.7}) {
      auto wish = at_layer(name, scale);
      wish.threshold = 0.1;
      for (const bool generic : {false, true}) {
        InterventionTable table(kLayers, kWidth);
        table.set_generic_only(generic);
        const auto index = table.add(compile(wish, input, kLayers));
        const std::vector<RowBinding> rows = {{index, 40, 1}, {-1, 40, -1}};
        table.bind(rows);
        auto both_TD = at::zeros({80, kWidth});
        both_TD.narrow(0, 0, 40).copy_(states_TD);
        both_TD.narrow(0, 40, 40).copy_(donors_TD);
        const auto out_TD = table.visit(kSite, both_TD, batch_of({40, 40}));
        for (std::int64_t t = 0; t < 40; ++t) {
          const auto expected =
              testing::reference(name, states_TD[t].to(at::kDouble), scale, x,
                                 0.1, donors_TD[t].to(at::kDouble));
          ASSERT_TRUE(expected.defined()) << name;
          const double size = expected.norm().item<double>() + 1.0;
          ASSERT_LT(largest_gap(out_TD[t], expected), 1e-6 * size)
              << name << " scale " << scale << " generic " << generic
              << " token " << t;
        }
        EXPECT_TRUE(out_TD.narrow(0, 40, 40).equal(donors_TD)) << name;
      }
    }
  }
}

TEST(Table, EveryUnitActsAsItsDisplacement) {
  const auto states_TD = normal({9, kWidth}, 22);
  const auto input = full_input();
  const auto v_D = input.directions_LD[1].to(at::kDouble);
  const auto u_D = v_D / v_D.norm();
  const auto h_TD = states_TD.to(at::kDouble);
  const std::vector<std::pair<ScaleUnit, at::Tensor>> cases = {
      {ScaleUnit::kRaw, h_TD + 1.5 * v_D},
      {ScaleUnit::kUnit, h_TD + 1.5 * u_D},
      {ScaleUnit::kRel, h_TD + 1.5 * 4.0 * u_D},
      {ScaleUnit::kSigma, h_TD + 1.5 * 0.6 * u_D},
      {ScaleUnit::kRelToken,
       h_TD + 1.5 * h_TD.norm(2, -1, /*keepdim=*/true) * u_D}};
  for (const auto& [unit, expected] : cases) {
    for (const bool generic : {false, true}) {
      EXPECT_LT(
          largest_gap(applied(at_layer("add", 1.5, unit), states_TD, generic),
                      expected),
          1e-5)
          << unit_name(unit);
    }
  }
}

TEST(Table, NothingBoundAndScaleZeroAreBitIdentical) {
  const auto states_TD = normal({7, kWidth}, 23);
  for (const auto& row : operator_table()) {
    if (row.zero_is_off && row.need != OperatorNeed::kDonor) {
      const auto out_TD =
          applied(at_layer(std::string(row.name), 0.0), states_TD);
      EXPECT_TRUE(out_TD.equal(states_TD)) << row.name;
    }
  }
  InterventionTable table(kLayers, kWidth);
  table.add(compile(at_layer("add", 3.0), full_input(), kLayers));
  EXPECT_FALSE(table.wants(kSite));
  const RowBinding none;
  table.bind({&none, 1});
  EXPECT_FALSE(table.wants(kSite));
}

TEST(Table, ChangesExactlyTheTokensOfTheScope) {
  const auto states_TD = normal({8, kWidth}, 24);
  InterventionTable table(kLayers, kWidth);
  auto wish = at_layer("add", 1.0);
  wish.scope = parse_scope("generated");
  const auto index = table.add(compile(wish, full_input(), kLayers));
  // Row 0: unsteered. Row 1: 2 tokens lie in the cache, prompt of 4: tokens
  // at positions 2 3 4 5, of which 3 4 5 are in scope.
  const std::vector<RowBinding> rows = {{-1, 3, -1}, {index, 4, -1}};
  table.bind(rows);
  auto batch = batch_of({4, 4});
  batch.starts = {0, 2};
  EXPECT_TRUE(table.wants(kSite));
  EXPECT_FALSE(table.wants({0, ResidualPoint::kResidPost}));
  EXPECT_FALSE(table.wants({1, ResidualPoint::kResidPre}));
  const auto out_TD = table.visit(kSite, states_TD.clone(), batch);
  for (std::int64_t t = 0; t < 8; ++t) {
    EXPECT_EQ(out_TD[t].equal(states_TD[t]), t < 5) << t;
  }
}

TEST(Table, ARowOfAMixedBatchEqualsTheRowAlone) {
  const auto input = full_input();
  InterventionTable table(kLayers, kWidth);
  std::vector<Intervention> wishes;
  for (const auto& row : operator_table()) {
    if (row.code != EditCode::kPatch) {
      wishes.push_back(at_layer(std::string(row.name), 0.7));
    }
  }
  std::vector<RowBinding> rows;
  std::vector<std::int64_t> lengths;
  for (const auto& wish : wishes) {
    rows.push_back({table.add(compile(wish, input, kLayers)), 3, -1});
    lengths.push_back(3);
  }
  const auto count = static_cast<std::int64_t>(wishes.size());
  const auto states_TD = normal({3 * count, kWidth}, 25);
  for (const bool generic : {false, true}) {
    table.set_generic_only(generic);
    table.bind(rows);
    const auto mixed_TD =
        table.visit(kSite, states_TD.clone(), batch_of(lengths));
    for (std::int64_t b = 0; b < count; ++b) {
      const auto alone_TD =
          applied(wishes[b], states_TD.narrow(0, 3 * b, 3), generic);
      EXPECT_TRUE(mixed_TD.narrow(0, 3 * b, 3).equal(alone_TD))
          << wishes[b].operation;
    }
  }
}

TEST(Table, AppliesSeveralEditsOfASiteInOrder) {
  const auto input = full_input();
  const auto states_TD = normal({5, kWidth}, 26);
  auto edits = compile(at_layer("ablate", 1.0), input, kLayers);
  for (auto& edit : compile(at_layer("add", 2.0), input, kLayers)) {
    edits.push_back(edit);
  }
  InterventionTable table(kLayers, kWidth);
  const RowBinding row{table.add(edits), 5, -1};
  table.bind({&row, 1});
  const auto out_TD = table.visit(kSite, states_TD.clone(), batch_of({5}));
  EXPECT_LT(
      largest_gap(out_TD, applied(at_layer("ablate_add", 2.0), states_TD)),
      1e-5);
}

TEST(Table, RoundsOnceInBfloat16) {
  const auto states_TD = normal({6, kWidth}, 27).to(at::kBFloat16);
  const auto out_TD = applied(at_layer("add_keep_norm", 1.3), states_TD);
  const auto exact_TD =
      applied(at_layer("add_keep_norm", 1.3), states_TD.to(at::kFloat));
  EXPECT_TRUE(out_TD.equal(exact_TD.to(at::kBFloat16)));
}

TEST(Table, GradientsFlowThroughTheGenericPath) {
  auto states_TD = normal({4, kWidth}, 28).set_requires_grad(true);
  InterventionTable table(kLayers, kWidth);
  const RowBinding row{
      table.add(compile(at_layer("ablate", 1.0), full_input(), kLayers)), 4,
      -1};
  table.bind({&row, 1});
  const auto out_TD = table.visit(kSite, states_TD, batch_of({4}));
  out_TD.sum().backward();
  const auto v_D = full_input().directions_LD[1];
  const auto u_D = v_D / v_D.norm();
  const auto expected_D = 1.0 - u_D.sum() * u_D;
  EXPECT_LT(largest_gap(states_TD.grad()[2], expected_D), 1e-5);
}

TEST(Table, SaysWhatTouchesThePrompt) {
  InterventionTable table(kLayers, kWidth);
  const auto with_scope = [&](const char* scope) {
    auto wish = at_layer("add", 1.0);
    wish.scope = parse_scope(scope);
    return table.add(compile(wish, full_input(), kLayers));
  };
  EXPECT_TRUE(table.touches_prompt(with_scope("all"), 5));
  EXPECT_TRUE(table.touches_prompt(with_scope("prompt"), 5));
  EXPECT_FALSE(table.touches_prompt(with_scope("generated"), 5));
  EXPECT_FALSE(table.touches_prompt(with_scope("first:2"), 5));
  EXPECT_TRUE(table.touches_prompt(with_scope("from:3"), 5));
  EXPECT_FALSE(table.touches_prompt(with_scope("from:4"), 5));
  EXPECT_FALSE(table.touches_prompt(-1, 5));
}

TEST(Table, RefusesWhatDoesNotFit) {
  InterventionTable table(2, 8);
  EXPECT_THROW(table.add(compile(at_layer("add", 1.0), full_input(), kLayers)),
               Error);
  InterventionTable fits(kLayers, kWidth);
  const auto patch =
      fits.add(compile(at_layer("patch", 1.0), full_input(), kLayers));
  const RowBinding alone{patch, 3, -1};
  EXPECT_THROW(fits.bind({&alone, 1}), Error);
  const RowBinding unknown{5, 3, -1};
  EXPECT_THROW(fits.bind({&unknown, 1}), Error);
}

// Invariants, over random states and directions.

class Invariants : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  at::Tensor states() const { return normal({16, kWidth}, GetParam()); }
  SteeringInput input() const {
    auto all = full_input();
    all.directions_LD = normal({kLayers, kWidth}, GetParam() + 100);
    return all;
  }
  at::Tensor unit() const {
    const auto v_D = input().directions_LD[1];
    return v_D / v_D.norm();
  }
  at::Tensor run(std::string name, double scale, const at::Tensor& states_TD,
                 const SteeringInput& from) const {
    return applied(at_layer(std::move(name), scale), states_TD,
                   /*generic=*/false, from);
  }
};

TEST_P(Invariants, NormIsKept) {
  const auto before_T = states().norm(2, -1);
  for (const auto* name : {"add_keep_norm", "slerp"}) {
    const auto after_T = run(name, 0.8, states(), input()).norm(2, -1);
    EXPECT_LT(largest_gap(after_T, before_T), 1e-5) << name;
  }
  const auto turned_T = run("rotate", 50.0, states(), input()).norm(2, -1);
  EXPECT_LT(largest_gap(turned_T, before_T), 1e-5);
}

TEST_P(Invariants, ZeroRowsStayWhereTheNormIsKept) {
  const auto zeros_TD = at::zeros({3, kWidth});
  for (const auto* name : {"add_keep_norm", "slerp"}) {
    EXPECT_TRUE(run(name, 0.8, zeros_TD, input()).equal(zeros_TD)) << name;
  }
}

TEST_P(Invariants, AblationLeavesNoProjectionAndIsIdempotent) {
  const auto once_TD = run("ablate", 1.0, states(), input());
  EXPECT_LT(once_TD.mv(unit()).abs().max().item<double>(), 2e-6);
  EXPECT_LT(largest_gap(run("ablate", 1.0, once_TD, input()), once_TD), 2e-6);
  const auto subspace_TD = run("ablate_subspace", 1.0, states(), input());
  EXPECT_LT(
      subspace_TD.matmul(input().basis_LKD[1].t()).abs().max().item<double>(),
      2e-6);
}

TEST_P(Invariants, EvenOperatorsIgnoreTheSignAndLengthOfTheVector) {
  auto other = input();
  other.directions_LD = other.directions_LD * -3.0;
  for (const auto& row : operator_table()) {
    if (!row.even || row.code == EditCode::kPatch) {
      continue;
    }
    const std::string name(row.name);
    const auto one_TD = run(name, 0.9, states(), input());
    const double size = one_TD.abs().max().item<double>();
    EXPECT_LT(largest_gap(one_TD, run(name, 0.9, states(), other)), 2e-6 * size)
        << name;
  }
}

TEST_P(Invariants, AddingIsOddAndUndoneBySubtracting) {
  const auto there_TD = run("add", 0.9, states(), input());
  EXPECT_LT(largest_gap(run("subtract", 0.9, there_TD, input()), states()),
            2e-6);
  auto mirrored = input();
  mirrored.directions_LD = -mirrored.directions_LD;
  EXPECT_TRUE(run("add", -0.9, states(), mirrored).equal(there_TD));
  auto twice = input();
  twice.directions_LD = twice.directions_LD * 2.0;
  EXPECT_LT(largest_gap(run("add", 0.45, states(), twice), there_TD), 1e-6);
}

TEST_P(Invariants, SettingSetsAndCappingOnlyLowers) {
  const double norm = input().directions_LD[1].norm().item<double>();
  const auto set_T = run("set", 0.5, states(), input()).mv(unit());
  EXPECT_LT((set_T - 0.5 * norm).abs().max().item<double>(), 5e-6);
  const auto capped_T = run("cap", 0.1, states(), input()).mv(unit());
  EXPECT_LT(capped_T.max().item<double>(), 0.1 * norm + 5e-6);
  const auto raised_T = run("floor", 0.1, states(), input()).mv(unit());
  EXPECT_GT(raised_T.min().item<double>(), 0.1 * norm - 5e-6);
}

TEST_P(Invariants, ReflectionIsItsOwnInverse) {
  const auto there_TD = run("ablate", 2.0, states(), input());
  EXPECT_LT(largest_gap(run("ablate", 2.0, there_TD, input()), states()), 5e-6);
}

// Operators that put the state somewhere: once there, it stays.
TEST_P(Invariants, PuttingTwiceIsPuttingOnce) {
  const std::pair<const char*, double> cases[] = {{"ablate_subspace", 1.0},
                                                  {"leace", 1.0},
                                                  {"set", 0.5},
                                                  {"cap", 0.1},
                                                  {"floor", 0.1},
                                                  {"ablate_add", 0.9},
                                                  {"affine", 0.9},
                                                  {"set_honest", 1.0},
                                                  {"set_deceptive", 1.0},
                                                  {"rotate", 30.0}};
  for (const auto& [name, scale] : cases) {
    const auto once_TD = run(name, scale, states(), input());
    const double size = once_TD.abs().max().item<double>() + 1.0;
    EXPECT_LT(largest_gap(run(name, scale, once_TD, input()), once_TD),
              2e-6 * size)
        << name;
    EXPECT_GT(largest_gap(once_TD, states()), 1e-2) << name;
  }
}

TEST_P(Invariants, ScalingIsUndoneByTheInverseFactor) {
  const auto there_TD = run("scale", 0.6, states(), input());
  EXPECT_LT(
      largest_gap(run("scale", 1.0 / 1.6 - 1.0, there_TD, input()), states()),
      2e-6);
}

// A displacement of the other sign along the other direction is the same one;
// where the sign of u.h decides, the direction's own does not matter.
TEST_P(Invariants, DisplacementsAreOddInTheVector) {
  auto mirrored = input();
  mirrored.directions_LD = -mirrored.directions_LD;
  for (const auto* name : {"subtract", "add_keep_norm", "set", "ablate_add",
                           "affine", "gated_add"}) {
    EXPECT_LT(largest_gap(run(name, 0.7, states(), input()),
                          run(name, -0.7, states(), mirrored)),
              2e-6)
        << name;
  }
  EXPECT_LT(largest_gap(run("piecewise", 0.7, states(), input()),
                        run("piecewise", 0.7, states(), mirrored)),
            2e-6);
}

TEST_P(Invariants, AWholeTurnOfSlerpPointsAlongTheVector) {
  const auto out_TD = run("slerp", 1.0, states(), input());
  const auto expected_TD = states().norm(2, -1, /*keepdim=*/true) * unit();
  EXPECT_LT(largest_gap(out_TD, expected_TD), 1e-5);
}

TEST_P(Invariants, LeaceRemovesWhatItsReaderSees) {
  const auto out_TD = run("leace", 1.0, states(), input());
  const auto g_D = input().read_LD[1];
  const auto seen_T = (out_TD - input().mean_LD[1]).mv(g_D);
  EXPECT_LT(seen_T.abs().max().item<double>(), 5e-5);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Invariants, ::testing::Values(31, 32, 33, 34));

}  // namespace
}  // namespace veer
