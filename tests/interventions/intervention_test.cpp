// SPDX-License-Identifier: MIT
#include "veer/interventions/intervention.h"

#include <cmath>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interventions/support.h"
#include "veer/base/error.h"

namespace veer {
namespace {

using testing::at_layer;
using testing::full_input;
using testing::kLayers;

double length_of_push(const Intervention& wish, const SteeringInput& input) {
  const auto edits = compile(wish, input, kLayers);
  EXPECT_EQ(edits.size(), 1U);
  return edits[0].numbers.a;
}

TEST(Compile, UnitsGiveTheDisplacementOfTheTable) {
  const auto input = full_input();
  const double norm = input.directions_LD[1].norm().item<double>();
  const auto push = [&](ScaleUnit unit) {
    return length_of_push(at_layer("add", 2.0, unit), input);
  };
  EXPECT_NEAR(push(ScaleUnit::kRaw), 2.0 * norm, 1e-5);
  EXPECT_FLOAT_EQ(push(ScaleUnit::kUnit), 2.0);
  EXPECT_FLOAT_EQ(push(ScaleUnit::kSigma), 2.0 * 0.6);
  EXPECT_FLOAT_EQ(push(ScaleUnit::kRel), 2.0 * 4.0);
  EXPECT_FLOAT_EQ(push(ScaleUnit::kRelToken), 0.0);
  const auto by_token =
      compile(at_layer("add", 2.0, ScaleUnit::kRelToken), input, kLayers);
  EXPECT_FLOAT_EQ(by_token[0].numbers.b, 2.0);
}

TEST(Compile, RelTakesTheNormOfThePositionsActedOn) {
  const auto input = full_input();
  auto wish = at_layer("add", 1.0, ScaleUnit::kRel);
  wish.scope = parse_scope("prompt");
  EXPECT_FLOAT_EQ(length_of_push(wish, input), 6.0);
  wish.scope = parse_scope("generated");
  EXPECT_FLOAT_EQ(length_of_push(wish, input), 4.0);
  wish.norm_kind = NormKind::kPromptEnd;
  EXPECT_FLOAT_EQ(length_of_push(wish, input), 6.5);
}

TEST(Compile, SubtractIsAddWithTheOtherSign) {
  const auto input = full_input();
  EXPECT_EQ(length_of_push(at_layer("subtract", 2.0), input),
            length_of_push(at_layer("add", -2.0), input));
}

TEST(Compile, LayerModesChooseLayersAndDirections) {
  const auto input = full_input();
  Intervention wish = at_layer("add", 1.0, ScaleUnit::kUnit);
  wish.layer_mode = LayerMode::kAllOwn;
  const auto own = compile(wish, input, kLayers);
  wish.layer_mode = LayerMode::kAllSame;
  const auto same = compile(wish, input, kLayers);
  wish.layer_mode = LayerMode::kIncrements;
  const auto increments = compile(wish, input, kLayers);
  ASSERT_EQ(own.size(), 3U);
  ASSERT_EQ(same.size(), 3U);
  ASSERT_EQ(increments.size(), 3U);
  EXPECT_TRUE(own[1].read_KD.equal(same[0].read_KD));
  EXPECT_TRUE(same[0].read_KD.equal(same[2].read_KD));
  EXPECT_FALSE(own[0].read_KD.equal(same[0].read_KD));
  const auto step = input.directions_LD[2] - input.directions_LD[1];
  EXPECT_TRUE(
      increments[2].read_KD[0].allclose(step / step.norm(), 1e-6, 1e-6));
  EXPECT_EQ(own[2].site, (ResidualSite{2, ResidualPoint::kResidPost}));
}

TEST(Compile, BudgetSharesTheStrength) {
  const auto input = full_input();
  auto wish = at_layer("add", 3.0, ScaleUnit::kUnit);
  wish.layer_mode = LayerMode::kAllOwn;
  wish.budget = Budget::kPerLayer;
  EXPECT_FLOAT_EQ(compile(wish, input, kLayers)[0].numbers.a, 1.0);
  wish.budget = Budget::kPerRootLayer;
  EXPECT_NEAR(compile(wish, input, kLayers)[0].numbers.a, std::sqrt(3.0), 1e-6);
}

TEST(Compile, ScaleZeroOfAnOperatorWithAZeroIsNoEdit) {
  const auto input = full_input();
  for (const auto& row : operator_table()) {
    const auto edits =
        compile(at_layer(std::string(row.name), 0.0), input, kLayers);
    EXPECT_EQ(edits.empty(), row.zero_is_off) << row.name;
  }
}

// A row of zeros is a layer that the vector does not have.
TEST(Compile, AMissingLayerIsNoZeroVector) {
  auto input = full_input();
  input.directions_LD = input.directions_LD.clone();
  input.directions_LD[1].zero_();
  const auto refused = [&](const Intervention& wish) {
    try {
      compile(wish, input, kLayers);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const auto names_layers = ::testing::AllOf(
      ::testing::HasSubstr("no direction at layer 1"),
      ::testing::HasSubstr("layers that the vector has: 0 and 2"));
  for (const auto unit :
       {ScaleUnit::kRaw, ScaleUnit::kUnit, ScaleUnit::kRelToken}) {
    for (const double scale : {0.0, 2.0}) {
      auto wish = at_layer("add", scale, unit);
      EXPECT_THAT(refused(wish), names_layers);
      wish.layer_mode = LayerMode::kAllSame;
      EXPECT_THAT(refused(wish), names_layers);
      wish.layer_mode = LayerMode::kIncrements;
      EXPECT_THAT(refused(wish), names_layers);
      wish.layer_mode = LayerMode::kAllOwn;
      wish.budget = Budget::kPerLayer;
      const auto edits = compile(wish, input, kLayers);
      ASSERT_EQ(edits.size(), scale == 0.0 ? 0U : 2U);
      if (unit == ScaleUnit::kUnit && scale != 0.0) {
        EXPECT_EQ(edits[1].site.layer, 2);
        EXPECT_FLOAT_EQ(edits[1].numbers.a, 1.0);  // half of it each
      }
    }
  }
  input.directions_LD.zero_();
  auto nowhere = at_layer("add", 1.0);
  nowhere.layer_mode = LayerMode::kAllOwn;
  EXPECT_THAT(refused(nowhere), ::testing::HasSubstr("has: none"));
  // An operator that reads no direction needs none.
  EXPECT_EQ(refused(at_layer("ablate_subspace", 1.0)), "");
}

TEST(Compile, AStepBetweenEqualLayersAddsNothing) {
  auto input = full_input();
  input.directions_LD = input.directions_LD.clone();
  input.directions_LD[1].copy_(input.directions_LD[0]);
  auto wish = at_layer("add", 1.0);
  wish.layer_mode = LayerMode::kIncrements;
  EXPECT_EQ(compile(wish, input, kLayers).size(), 2U);
}

struct Refusal {
  const char* what;
  std::function<void(Intervention&, SteeringInput&)> spoil;
  const char* message;
};

TEST(Compile, RefusesWhatItCannotDo) {
  const std::vector<Refusal> refusals = {
      {"operator", [](auto& w, auto&) { w.operation = "turn"; }, "one of"},
      {"layer", [](auto& w, auto&) { w.layers = {3}; }, "0 to 2"},
      {"negative layer", [](auto& w, auto&) { w.layers = {-1}; }, "0 to 2"},
      {"no layer", [](auto& w, auto&) { w.layers = {}; }, "no layer"},
      {"scale", [](auto& w, auto&) { w.scale = NAN; }, "not finite"},
      {"norms",
       [](auto& w, auto& i) {
         w.unit = ScaleUnit::kRel;
         i.norms = {};
       },
       "residual norms"},
      {"sigma",
       [](auto& w, auto& i) {
         w.unit = ScaleUnit::kSigma;
         i.sigma_L.clear();
       },
       "sigma"},
      {"zero direction",
       [](auto& w, auto& i) {
         w.unit = ScaleUnit::kUnit;
         i.directions_LD.zero_();
       },
       "no direction at layer 1"},
      {"nan direction", [](auto&, auto& i) { i.directions_LD.fill_(NAN); },
       "not finite"},
      {"other model",
       [](auto&, auto& i) { i.directions_LD = testing::normal({5, 24}, 1); },
       "another model"},
      {"means",
       [](auto& w, auto& i) {
         w.operation = "affine";
         i.negative_mean_LD = at::Tensor();
       },
       "no class means"},
      {"plane",
       [](auto& w, auto& i) {
         w.operation = "rotate";
         i.second_LD = i.directions_LD * 2.0;
       },
       "parallel"},
      {"budget",
       [](auto& w, auto&) {
         w.operation = "set";
         w.budget = Budget::kPerLayer;
       },
       "budget"},
  };
  for (const auto& refusal : refusals) {
    auto wish = at_layer("add", 1.0);
    auto input = full_input();
    refusal.spoil(wish, input);
    try {
      compile(wish, input, kLayers);
      ADD_FAILURE() << refusal.what;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr(refusal.message));
    }
  }
  EXPECT_FALSE(compile(at_layer("add", 1.0), full_input(), kLayers).empty());
}

TEST(Compile, NamesOfChoicesRoundTrip) {
  for (const auto* name : {"raw", "unit", "rel", "rel_token", "sigma"}) {
    EXPECT_EQ(unit_name(parse_unit(name)), name);
  }
  for (const auto* name : {"set", "all_own", "all_same", "increments"}) {
    EXPECT_EQ(layer_mode_name(parse_layer_mode(name)), name);
  }
  EXPECT_THROW(parse_unit("norm"), Error);
}

}  // namespace
}  // namespace veer
