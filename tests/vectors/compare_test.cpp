// SPDX-License-Identifier: MIT
#include "veer/vectors/compare.h"

#include <cmath>

#include <ATen/ops/stack.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "vectors/planted.h"
#include "veer/base/error.h"
#include "veer/vectors/item_statistics.h"

namespace veer {
namespace {

constexpr std::int64_t kWidth = 48;
constexpr std::int64_t kItems = 60;

// A vector whose differences have the given mean in each layer; positive side
// = shared background + difference.
ComparedVector planted(const std::string& name,
                       const std::vector<at::Tensor>& means, double noise,
                       std::uint64_t seed) {
  ComparedVector out;
  out.vector.name = name;
  out.vector.model_fingerprint = "m";
  out.vector.position = "prompt_end";
  out.rows.name = name;
  out.rows.ids = item_ids(kItems);
  std::vector<at::Tensor> directions;
  for (std::size_t l = 0; l < means.size(); ++l) {
    const auto base = normal_matrix(kItems, kWidth, seed * 100 + l) * 2.0;
    const auto d = noisy_rows(means[l], kItems, noise, seed * 200 + l);
    out.rows.positive.push_back((base + d).to(at::kFloat));
    out.rows.negative.push_back(base.to(at::kFloat));
    directions.push_back(
        out.rows.differences(static_cast<std::int64_t>(l)).mean(0));
    out.vector.residual_norms["base.prompt_end"].push_back(10.0);
  }
  out.vector.directions_LD = at::stack(directions).to(at::kFloat);
  return out;
}

CompareOptions quick() {
  CompareOptions options;
  options.random_draws = 500;
  options.sign_flips = 199;
  options.split_halves = 40;
  options.subspace_rank = 2;
  return options;
}

// Layer 0: the same direction; 1: orthogonal; 2: opposite; 3: b is noise.
Comparison example() {
  const auto e0 = unit(kWidth, 0) * 6.0;
  const auto e1 = unit(kWidth, 1) * 6.0;
  const auto zero = e0 * 0.0;
  return compare_vectors(std::vector{planted("a", {e0, e0, e0, e0}, 0.5, 1),
                                     planted("b", {e0, e1, -e0, zero}, 0.5, 2)},
                         quick());
}

TEST(CompareVectors, GivesThePlantedVerdicts) {
  const auto comparison = example();
  ASSERT_EQ(comparison.pairs.size(), 1U);
  const auto& layers = comparison.pairs[0].by_layer;
  EXPECT_EQ(layers[0].verdict, "align");
  EXPECT_EQ(layers[1].verdict, "orthogonal");
  EXPECT_EQ(layers[2].verdict, "opposed");
  EXPECT_TRUE(layers[3].verdict == "not established" ||
              layers[3].verdict == "undecided");
  EXPECT_NEAR(*layers[0].cosine.value, 1.0, 0.02);
  EXPECT_NEAR(*layers[1].cosine.value, 0.0, 0.05);
  EXPECT_NEAR(*layers[2].cosine.value, -1.0, 0.02);
  EXPECT_GT(*layers[0].ceiling, 0.95);
  EXPECT_LT(*layers[0].zero_holm_p, 0.01);
  EXPECT_LT(*layers[0].band_low, *layers[0].cosine.low);
  EXPECT_NEAR(layers[0].principal_cosines[0], 1.0, 0.02);
  EXPECT_GT(*layers[0].energy_of_b_in_a, 0.95);
  EXPECT_LT(*layers[1].energy_of_b_in_a, 0.3);
}

TEST(CompareVectors, DescribesEachVector) {
  const auto comparison = example();
  const auto& a = comparison.vectors[0].by_layer[0];
  EXPECT_NEAR(a.norm, 6.0, 0.3);
  EXPECT_NEAR(*a.unbiased_norm, 6.0, 0.3);
  EXPECT_NEAR(*a.relative_norm, a.norm / 10.0, 1e-12);
  EXPECT_GT(*a.reliability.value, 0.98);
  EXPECT_NEAR(*a.reliability.value, *a.closed_reliability, 0.02);
  EXPECT_DOUBLE_EQ(*a.existence_p, 1.0 / 200.0);
  EXPECT_GT(*a.auroc, 0.9);
  const auto& noise = comparison.vectors[1].by_layer[3];
  EXPECT_GT(*noise.existence_adjusted_p, 0.05);
  EXPECT_LT(*noise.closed_reliability, 0.5);
}

TEST(CompareVectors, AZeroVectorIsNotEstablishedAndNeverNan) {
  const auto e0 = unit(kWidth, 0) * 6.0;
  auto zero = planted("zero", {e0}, 0.5, 3);
  zero.rows.positive = zero.rows.negative;
  zero.vector.directions_LD.zero_();
  const auto comparison =
      compare_vectors(std::vector{planted("a", {e0}, 0.5, 1), zero}, quick());
  const auto& at = comparison.pairs[0].by_layer[0];
  EXPECT_FALSE(at.cosine.established());
  EXPECT_FALSE(at.raw_cosine.has_value());
  EXPECT_EQ(at.verdict, "not established");
  const auto text = dump_json(comparison_json(comparison));
  EXPECT_EQ(text.find("nan"), std::string::npos);
  EXPECT_NE(text.find("\"raw_cosine\":null"), std::string::npos);
}

TEST(CompareVectors, ScaleOfAVectorChangesNoAngle) {
  const auto e0 = unit(kWidth, 0) * 6.0;
  const auto a = planted("a", {e0}, 1.0, 1);
  auto b = planted("b", {e0 + unit(kWidth, 1) * 6.0}, 1.0, 2);
  const auto before = compare_vectors(std::vector{a, b}, quick());
  b.rows.positive[0] =
      b.rows.negative[0] + (b.rows.positive[0] - b.rows.negative[0]) * 8.0;
  b.vector.directions_LD = b.vector.directions_LD * 8.0;
  const auto after = compare_vectors(std::vector{a, b}, quick());
  EXPECT_NEAR(*before.pairs[0].by_layer[0].cosine.value,
              *after.pairs[0].by_layer[0].cosine.value, 1e-6);
  EXPECT_NEAR(*before.pairs[0].by_layer[0].raw_cosine,
              *after.pairs[0].by_layer[0].raw_cosine, 1e-6);
}

TEST(CompareVectors, MassiveDimensionsCanBeTakenOut) {
  const auto e0 = unit(kWidth, 0) * 6.0;
  const auto big = unit(kWidth, 7);
  auto a = planted("a", {e0 + big * 50.0}, 0.2, 1);
  auto b = planted("b", {unit(kWidth, 1) * 6.0 + big * 50.0}, 0.2, 2);
  for (auto* v : {&a, &b}) {
    v->rows.positive[0] = v->rows.positive[0] + (big * 900.0).to(at::kFloat);
    v->rows.negative[0] = v->rows.negative[0] + (big * 900.0).to(at::kFloat);
  }
  const auto comparison = compare_vectors(std::vector{a, b}, quick());
  EXPECT_GE(comparison.vectors[0].by_layer[0].massive_dimensions, 1);
  EXPECT_GT(*comparison.pairs[0].by_layer[0].raw_cosine, 0.95);
  EXPECT_LT(std::abs(*comparison.pairs[0].by_layer[0].without_massive), 0.1);
}

TEST(CompareVectors, RefusesWhatDoesNotBelongTogether) {
  const auto e0 = unit(kWidth, 0);
  const auto a = planted("a", {e0}, 1.0, 1);
  auto b = planted("b", {e0}, 1.0, 2);
  const auto run = [&](const ComparedVector& other) {
    compare_vectors(std::vector{a, other}, quick());
  };
  b.vector.name = "a";
  EXPECT_THROW(run(b), Error);
  b = planted("b", {e0}, 1.0, 2);
  b.vector.model_fingerprint = "other";
  EXPECT_THROW(run(b), Error);
  b = planted("b", {e0, e0}, 1.0, 2);
  EXPECT_THROW(run(b), Error);
  b = planted("b", {e0}, 1.0, 2);
  b.vector.point = ResidualPoint::kMlpOut;
  EXPECT_THROW(run(b), Error);
  b = planted("b", {e0}, 1.0, 2);
  b.rows.positive[0][0][0] = NAN;
  EXPECT_THROW(run(b), Error);
  b = planted("b", {e0}, 1.0, 2);
  b.rows.ids.resize(2);
  EXPECT_THROW(run(b), Error);
  EXPECT_THROW(compare_vectors({}, quick()), Error);
}

TEST(CompareVectors, SaysWhatDoesNotBelongTogether) {
  const auto e0 = unit(kWidth, 0);
  const auto a = planted("a", {e0}, 1.0, 1);
  const auto message = [&](auto spoil) -> std::string {
    auto b = planted("b", {e0}, 1.0, 2);
    spoil(b);
    try {
      compare_vectors(std::vector{a, b}, quick());
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const auto expect = [&](const char* text, auto spoil) {
    const auto got = message(spoil);
    EXPECT_NE(got.find(text), std::string::npos) << text << ": " << got;
  };
  EXPECT_EQ(message([](ComparedVector&) {}), "");
  expect("a is 1 x 48, b is 1 x 47", [](ComparedVector& b) {
    b.vector.directions_LD = b.vector.directions_LD.narrow(1, 0, kWidth - 1);
  });
  expect("rows of another shape for b", [](ComparedVector& b) {
    b.rows.positive[0] = b.rows.positive[0].narrow(1, 0, kWidth - 1);
    b.rows.negative[0] = b.rows.negative[0].narrow(1, 0, kWidth - 1);
  });
  expect("b and a are of different models",
         [](ComparedVector& b) { b.vector.model_fingerprint = "other"; });
  expect("b and a are of different points",
         [](ComparedVector& b) { b.vector.point = ResidualPoint::kMlpOut; });
  expect("2 questions for b", [](ComparedVector& b) { b.rows.ids.resize(2); });
  expect("not finite", [](ComparedVector& b) {
    b.vector.directions_LD[0][5].fill_(INFINITY);
  });
  expect("not finite",
         [](ComparedVector& b) { b.rows.negative[0][3][5].fill_(NAN); });
}

TEST(CompareVectors, JsonComesBackAsItWas) {
  const Json json = comparison_json(example());
  EXPECT_EQ(comparison_json(comparison_from_json(json)), json);
  Json old = json;
  old["pairs"][0]["by_layer"][0].erase("verdict");
  EXPECT_THROW(comparison_from_json(old), Error);
  old = json;
  old["vectors"][0]["n"] = "many";
  EXPECT_THROW(comparison_from_json(old), Error);
}

TEST(Compare, ADirectionThatIsNoMeanHasItsPlainCosineAlone) {
  // The rows are the same, the direction is another: what the rows say about
  // their mean is not said of it.
  std::vector<ComparedVector> vectors = {
      planted("a", {unit(kWidth, 0) * 3.0}, 0.5, 1),
      planted("b", {unit(kWidth, 0) * 3.0}, 0.5, 2)};
  vectors[1].vector.method = "pca_diff";
  vectors[1].vector.directions_LD =
      unit(kWidth, 1).to(at::kFloat).unsqueeze(0).contiguous();
  const auto got = compare_vectors(vectors, {}, {});
  const auto& at = got.pairs[0].by_layer[0];
  EXPECT_LT(std::abs(at.raw_cosine.value()), 0.3);
  EXPECT_FALSE(at.cosine.established());
  EXPECT_NE(at.cosine.reason.find("pca_diff"), std::string::npos);
  EXPECT_EQ(at.verdict, "not established");
  EXPECT_TRUE(at.isotropic.p.has_value());
  EXPECT_TRUE(got.vectors[0].by_layer[0].reliability.value.has_value());
  EXPECT_FALSE(got.vectors[1].by_layer[0].reliability.value.has_value());
}

TEST(PairVerdict, IsBeyondChanceByTheLargestP) {
  PairAtLayer at;
  at.cosine.value = 0.352;
  at.ceiling = 0.9;
  at.band_low = 0.33;
  at.band_high = 0.37;
  EXPECT_EQ(pair_verdict(at, 0.1), "undecided");  // no null
  at.covariance.emplace();
  // Beyond the upper end of the band, which leaves out 2.5 %, and yet 5.3 % of
  // random pairs are as far from 0.
  at.covariance->pair = {-0.358, 0.351, 0.053};
  at.covariance->p = 0.053;
  EXPECT_EQ(pair_verdict(at, 0.1), "undecided");
  at.covariance->p = 0.049;
  EXPECT_EQ(pair_verdict(at, 0.1), "align");
  EXPECT_EQ(pair_verdict(at, 0.34), "undecided");
}

}  // namespace
}  // namespace veer
