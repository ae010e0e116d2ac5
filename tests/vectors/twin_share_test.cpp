// SPDX-License-Identifier: MIT
#include "veer/vectors/twin_share.h"

#include <cmath>

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "vectors/planted.h"
#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::int64_t kWidth = 20;
constexpr std::int64_t kItems = 60;

ComparedVector planted(const at::Tensor& mean_D, double noise,
                       std::uint64_t seed, std::int64_t items = kItems) {
  ComparedVector out;
  out.vector.name = "finetuned@answer_mean";
  const auto rows_ND = noisy_rows(mean_D, items, noise, seed).to(at::kFloat);
  out.vector.directions_LD = rows_ND.mean(0).unsqueeze(0);
  out.rows.ids = item_ids(items);
  out.rows.positive = {rows_ND};
  out.rows.negative = {at::zeros({items, mean_D.size(0)})};
  return out;
}

at::Tensor at_cosine(double cosine) {
  return unit(kWidth, 0) * cosine +
         unit(kWidth, 1) * std::sqrt(1.0 - cosine * cosine);
}

TEST(TwinShare, IsTheShareThatWasPlanted) {
  for (const double cosine : {0.0, 0.5, 0.9, -0.8, 1.0}) {
    const ComparedVector tuned[] = {planted(unit(kWidth, 0), 0.2, 1)};
    const ComparedVector honest[] = {planted(at_cosine(cosine), 0.2, 2)};
    const auto got = twin_share(tuned, honest, nullptr, 0.95);
    const double expected = 1.0 - cosine * cosine;
    const auto& share = got.share_outside;
    ASSERT_TRUE(share.established()) << share.reason;
    EXPECT_NEAR(*share.value, expected, 0.03) << cosine;
    EXPECT_LE(*share.low, expected + 1e-9) << cosine;
    EXPECT_GE(*share.high, expected - 1e-9) << cosine;
    EXPECT_GE(*share.low, 0.0);
    EXPECT_LE(*share.high, 1.0);
    EXPECT_LT(*share.high - *share.low, 0.2) << cosine;
    EXPECT_EQ(share.n, kItems);
    // |a - b|^2 / |a|^2 of two unit vectors.
    EXPECT_NEAR(*got.by_layer[0].share_twin, 2.0 - 2.0 * cosine, 0.06);
  }
}

TEST(TwinShare, NoiseOfQuestionsDoesNotCountAsOutside) {
  // The same direction in noise that is six times as long: plain cosines of
  // the means are about .8, so that a plain share would be a third.
  const ComparedVector tuned[] = {planted(unit(kWidth, 0) * 2.0, 2.0, 1, 200)};
  const ComparedVector honest[] = {planted(unit(kWidth, 0) * 2.0, 2.0, 2, 200)};
  const auto got = twin_share(tuned, honest, nullptr, 0.95);
  EXPECT_LT(*got.share_outside.value, 0.06);
  EXPECT_EQ(*got.share_outside.low, 0.0);
}

// Noise of equal size in every dimension: 1 - 1 / width on average.
TEST(TwinShare, StandsBesideRandomDirections) {
  const ComparedVector tuned[] = {planted(unit(kWidth, 0), 0.2, 1, 400)};
  const ComparedVector honest[] = {planted(at_cosine(0.5), 0.2, 2, 400)};
  const auto got = twin_share(tuned, honest, nullptr, 0.95);
  EXPECT_NEAR(*got.share_random.value, 1.0 - 1.0 / kWidth, 0.02);
  EXPECT_LT(*got.share_random.low, 0.85);
  EXPECT_GT(*got.share_random.high, 0.99);
  EXPECT_NEAR(*got.by_layer[0].share_random, *got.share_random.value, 1e-12);
  // Activations that differ along the twin's direction alone lie within it.
  auto along = planted(unit(kWidth, 0), 0.2, 1);
  along.rows.positive[0].narrow(1, 1, kWidth - 1).zero_();
  const ComparedVector flat[] = {along};
  const ComparedVector same[] = {planted(unit(kWidth, 0), 0.0, 2)};
  EXPECT_NEAR(*twin_share(flat, same, nullptr, 0.95).share_random.value, 0.0,
              1e-6);
}

TEST(TwinShare, SaysWhichDirectionIsMissing) {
  const ComparedVector tuned[] = {planted(unit(kWidth, 0), 0.2, 1)};
  auto nothing = planted(unit(kWidth, 0), 0.2, 2);
  nothing.rows.positive = {at::zeros({kItems, kWidth})};
  const ComparedVector honest[] = {nothing};
  const auto got = twin_share(tuned, honest, nullptr, 0.95);
  EXPECT_FALSE(got.share_outside.established());
  EXPECT_EQ(got.num_layers, 0);
  EXPECT_NE(got.share_outside.reason.find("honest twin's direction"),
            std::string::npos)
      << got.share_outside.reason;
  const auto other = twin_share(honest, tuned, nullptr, 0.95);
  EXPECT_NE(other.share_outside.reason.find("fine-tuned direction"),
            std::string::npos)
      << other.share_outside.reason;
  EXPECT_TRUE(twin_share_json(got)["share_outside"]["value"].is_null());
}

TEST(TwinShare, LayersThatWereNotMadeSaySoAndCountForNothing) {
  auto tuned = planted(unit(kWidth, 0), 0.1, 1);
  auto honest = planted(at_cosine(0.8), 0.1, 2);
  for (auto* compared : {&tuned, &honest}) {
    const auto nothing_ND = at::zeros({kItems, kWidth});
    compared->rows.positive.push_back(nothing_ND);
    compared->rows.negative.push_back(nothing_ND);
  }
  const auto got =
      twin_share(std::span(&tuned, 1), std::span(&honest, 1), nullptr, 0.95);
  EXPECT_EQ(got.num_layers, 1);
  EXPECT_NEAR(*got.share_outside.value, 0.36, 0.03);
  ASSERT_EQ(got.by_layer.size(), 2U);
  EXPECT_NE(got.by_layer[1].share_outside.reason.find("extract.layers"),
            std::string::npos);
  EXPECT_FALSE(got.by_layer[1].cosine_honest.established());
}

TEST(TwinShare, IntervalHoldsTheSeedsAsWell) {
  // Two seeds whose shares are .19 and .36: the mean between, and an interval
  // by Student's t with one degree of freedom, much wider than of one seed.
  const ComparedVector tuned[] = {planted(unit(kWidth, 0), 0.1, 1),
                                  planted(unit(kWidth, 0), 0.1, 3)};
  const ComparedVector honest[] = {planted(at_cosine(0.9), 0.1, 2),
                                   planted(at_cosine(0.8), 0.1, 4)};
  const auto one =
      twin_share(std::span(tuned, 1), std::span(honest, 1), nullptr, 0.95);
  const auto two = twin_share(tuned, honest, nullptr, 0.95);
  EXPECT_EQ(two.seeds, 2);
  EXPECT_NEAR(*two.share_outside.value, (0.19 + 0.36) / 2.0, 0.03);
  EXPECT_LT(*one.share_outside.high - *one.share_outside.low, 0.1);
  // 12.7 * (.17 / sqrt 2) / sqrt 2 = 1.08, cut at the ends of a share.
  EXPECT_EQ(*two.share_outside.low, 0.0);
  EXPECT_EQ(*two.share_outside.high, 1.0);
}

TEST(TwinShare, SeedsThatAgreeLeaveTheIntervalNarrow) {
  const ComparedVector tuned[] = {planted(unit(kWidth, 0), 0.02, 1),
                                  planted(unit(kWidth, 0), 0.02, 3)};
  const ComparedVector honest[] = {planted(at_cosine(0.8), 0.02, 2),
                                   planted(at_cosine(0.8), 0.02, 4)};
  const auto got = twin_share(tuned, honest, nullptr, 0.95).share_outside;
  EXPECT_NEAR(*got.value, 0.36, 0.01);
  EXPECT_LT(*got.high - *got.low, 0.15);
}

TEST(TwinShare, TheDifferenceIsComparedWithTheContrast) {
  // tuned - honest lies along axis 1.
  const ComparedVector tuned[] = {
      planted(unit(kWidth, 0) + unit(kWidth, 1), 0.1, 1)};
  const ComparedVector honest[] = {planted(unit(kWidth, 0), 0.1, 2)};
  const auto along = planted(unit(kWidth, 1), 0.1, 3);
  const auto across = planted(unit(kWidth, 0), 0.1, 4);
  EXPECT_NEAR(*twin_share(tuned, honest, &along, 0.95)
                   .by_layer[0]
                   .cosine_contrastive_twin.value,
              1.0, 0.05);
  EXPECT_NEAR(*twin_share(tuned, honest, &across, 0.95)
                   .by_layer[0]
                   .cosine_contrastive_twin.value,
              0.0, 0.05);
  EXPECT_FALSE(twin_share(tuned, honest, nullptr, 0.95)
                   .by_layer[0]
                   .cosine_contrastive_twin.established());
}

TEST(TwinShare, RefusesWhatIsNoPair) {
  const ComparedVector tuned[] = {planted(unit(kWidth, 0), 0.1, 1),
                                  planted(unit(kWidth, 0), 0.1, 3)};
  const ComparedVector narrow[] = {planted(unit(8, 0), 0.1, 2)};
  EXPECT_THROW(twin_share(tuned, std::span(tuned, 1), nullptr, 0.95), Error);
  EXPECT_THROW(twin_share(std::span(tuned, 1), narrow, nullptr, 0.95), Error);
}

TEST(ControlAgreement, CosinesAndLengths) {
  const auto own = planted(unit(kWidth, 0), 0.1, 1);
  const auto contrast = planted(unit(kWidth, 1), 0.1, 2);
  const auto control = planted(at_cosine(0.6) * 0.5, 0.1, 3);
  const auto got = control_agreement(control, own, &contrast, 0.95);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_NEAR(*got[0].finetuned.value, 0.6, 0.05);
  EXPECT_NEAR(*got[0].contrastive.value, 0.8, 0.05);
  EXPECT_NEAR(*got[0].norm_ratio, 0.5, 0.03);
}

}  // namespace
}  // namespace veer
