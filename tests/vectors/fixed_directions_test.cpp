// SPDX-License-Identifier: MIT
#include "veer/vectors/fixed_directions.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "vectors/planted.h"
#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::int64_t kWidth = 400;
constexpr std::int64_t kItems = 40;

SteeringVector direction(const std::string& name, const at::Tensor& v_D) {
  SteeringVector out;
  out.name = name;
  out.model_fingerprint = "m";
  out.num_items = kItems;
  out.directions_LD = v_D.unsqueeze(0).to(at::kFloat);
  return out;
}

// As a training that recovers `truth_D` but for noise of `noise` times its
// length, halved where the questions are doubled.
FixedDirection trained(const std::string& name, const at::Tensor& truth_D,
                       double noise, std::uint64_t seed) {
  const auto noise_of_half = [&](std::uint64_t own) {
    const auto v_D = normal_matrix(1, kWidth, own).select(0, 0);
    return v_D / v_D.norm() * truth_D.norm() * noise;
  };
  const auto first_D = noise_of_half(seed);
  const auto second_D = noise_of_half(seed + 1);
  FixedDirection out{direction(name, truth_D + 0.5 * (first_D + second_D)),
                     {direction(name + ".a", truth_D + first_D),
                      direction(name + ".b", truth_D + second_D)}};
  out.halves[0].num_items = out.halves[1].num_items = kItems / 2;
  return out;
}

class FixedDirections : public testing::Test {
 protected:
  std::vector<FixedComparison> compared(
      const std::vector<FixedDirection>& directions) const {
    return compare_fixed(directions, vectors_, compare_vectors(vectors_), {});
  }
  std::vector<ComparedVector> vectors_ = {
      vector_of_questions("a", unit(kWidth, 0) * 4.0 + unit(kWidth, 1) * 3.0,
                          kItems, 1),
      vector_of_questions("b", unit(kWidth, 2) * 5.0, kItems, 2)};
};

TEST_F(FixedDirections, WithoutHalvesHaveAPlainCosineAndABand) {
  FixedDirection fixed{direction("adapter", unit(kWidth, 0)), {}};
  const auto got = compared({fixed});
  ASSERT_EQ(got.size(), 2U);
  const auto& at = got[0].by_layer[0];
  EXPECT_NEAR(*at.raw_cosine, 0.8, 0.02);
  ASSERT_TRUE(at.covariance.has_value());
  EXPECT_LT(*at.covariance->p, 0.01);
  EXPECT_FALSE(at.ceiling.has_value());
  EXPECT_FALSE(at.disattenuated.has_value());
  EXPECT_TRUE(agreement_of_halves(std::vector{fixed}).empty());
}

TEST_F(FixedDirections, AClearDirectionIsReliableAndNoiseIsNot) {
  const auto clear = trained("clear", unit(kWidth, 0) * 4.0, 0.1, 20);
  const auto noise = trained("noise", unit(kWidth, 0) * 1e-3, 1e4, 30);
  const auto halves = agreement_of_halves(std::vector{clear, noise});
  ASSERT_EQ(halves.size(), 2U);
  EXPECT_EQ(halves[0].first_n, kItems / 2);
  EXPECT_GT(*halves[0].by_layer[0].reliability.value, 0.98);
  EXPECT_NEAR(*halves[1].by_layer[0].reliability.value, 0.0, 0.2);
}

TEST_F(FixedDirections, TheCosineOverTheCeilingIsThatOfTheTruths) {
  // As long a noise as the direction: halves agree by 1/2, the whole is
  // reliable by 2/3, and its cosine is too small by the root of that.
  const auto weak = trained("weak", unit(kWidth, 0) * 4.0, 1.0, 50);
  const auto halves = agreement_of_halves(std::vector{weak});
  EXPECT_NEAR(*halves[0].by_layer[0].cosine, 0.5, 0.05);
  EXPECT_NEAR(*halves[0].by_layer[0].reliability.value, 2.0 / 3.0, 0.05);
  const auto at = compared({weak})[0].by_layer[0];
  EXPECT_NEAR(*at.raw_cosine, 0.8 * std::sqrt(2.0 / 3.0), 0.04);
  EXPECT_NEAR(*at.ceiling, std::sqrt(2.0 / 3.0), 0.03);
  EXPECT_NEAR(*at.disattenuated, 0.8, 0.04);
}

TEST_F(FixedDirections, AreComparedWithEachOtherToo) {
  const auto one = trained("one", unit(kWidth, 0) * 4.0, 0.1, 60);
  const auto two = trained("two", unit(kWidth, 0) + unit(kWidth, 1), 0.1, 70);
  const auto got = compared({one, two});
  ASSERT_EQ(got.size(), 5U);
  EXPECT_EQ(got[4].direction, "two");
  EXPECT_EQ(got[4].vector, "one");
  const auto& at = got[4].by_layer[0];
  EXPECT_NEAR(*at.raw_cosine, std::sqrt(0.5), 0.02);
  EXPECT_FALSE(at.covariance.has_value());
  EXPECT_NEAR(*at.disattenuated, std::sqrt(0.5), 0.02);
  EXPECT_EQ(fixed_json(got)[4]["by_layer"][0]["null"], "isotropic");
  EXPECT_EQ(fixed_json(got)[0]["by_layer"][0]["null"], "covariance");
  // Not with one that was read elsewhere.
  auto elsewhere = one;
  elsewhere.vector.point = ResidualPoint::kMlpOut;
  EXPECT_EQ(compared({elsewhere, two}).size(), 2U);
}

TEST_F(FixedDirections, HaveNoReliabilityWhereTheyWereNotTrained) {
  auto absent = trained("absent", unit(kWidth, 0), 0.1, 80);
  absent.vector.directions_LD.zero_();
  absent.halves[0].directions_LD.zero_();
  absent.halves[1].directions_LD.zero_();
  const auto json = halves_json(agreement_of_halves(std::vector{absent}));
  EXPECT_EQ(json[0]["n"], Json({kItems / 2, kItems / 2}));
  EXPECT_TRUE(json[0]["by_layer"][0]["cosine"].is_null());
  EXPECT_TRUE(json[0]["by_layer"][0]["reliability"].is_null());
  EXPECT_EQ(json[0]["by_layer"][0]["reason"], "no direction at this layer");
  EXPECT_FALSE(compared({absent})[0].by_layer[0].ceiling.has_value());
}

TEST_F(FixedDirections, OfAnotherModelOrShapeAreRefused) {
  FixedDirection other{direction("x", unit(kWidth, 0)), {}};
  other.vector.model_fingerprint = "other";
  EXPECT_THROW(compared({other}), Error);
  EXPECT_THROW(compared({{direction("x", unit(kWidth + 1, 0)), {}}}), Error);
  EXPECT_THROW(compared({{direction("x", unit(kWidth, 0) / 0.0), {}}}), Error);
  auto half = trained("x", unit(kWidth, 0), 0.1, 90);
  half.halves[1].model_fingerprint = "other";
  EXPECT_THROW(compared({half}), Error);
  half.halves.pop_back();
  EXPECT_THROW(compared({half}), Error);
}

}  // namespace
}  // namespace veer
