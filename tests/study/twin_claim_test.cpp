// SPDX-License-Identifier: MIT
#include "veer/study/twin_claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted_sweep.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

Json twin(double share, double half) {
  return {{"twin",
           {{"finetuned", "finetuned@p"},
            {"honest", "honest@p"},
            {"seeds", 2},
            {"share_outside", planted_estimate(share, half)}}}};
}

TEST(TwinClaim, BothSidesOfOneHalf) {
  EXPECT_EQ(twin_claim(twin(0.7, 0.1)).decision, Decision::kSupported);
  EXPECT_EQ(twin_claim(twin(0.3, 0.1)).decision, Decision::kContradicted);
  const auto open = twin_claim(twin(0.55, 0.1));
  EXPECT_EQ(open.decision, Decision::kUndecided);
  EXPECT_THAT(open.reason, HasSubstr("55 % of finetuned@p"));
  EXPECT_THAT(open.reason, HasSubstr("2 training seeds"));
  // Nothing rests on it.
  EXPECT_EQ(open.definition.role, "finding");
}

// 95 % means little where any direction has 97 %.
TEST(TwinClaim, StandsBesideRandomDirections) {
  Json document = twin(0.95, 0.03);
  document["width"] = 128;
  const auto said = [&] { return twin_claim(document).reason; };
  EXPECT_THAT(said(),
              HasSubstr("of a random direction in 128 dimensions it is 99 %"));
  document["twin"]["share_random"] = {
      {"value", 0.97}, {"low", 0.9}, {"high", 0.995}, {"n", 1000}};
  const auto drawn = HasSubstr(
      "; of a random direction with the activations' covariance it is 97 % (95 "
      "of 100 have 90 to 100)");
  EXPECT_THAT(said(), drawn);
  EXPECT_THAT(twin_note(document, "finetuned@p"), drawn);
}

TEST(TwinClaim, ItsPIsOverSeeds) {
  const auto share = [](std::int64_t seeds) {
    return Json{{"twin",
                 {{"finetuned", "finetuned@p"},
                  {"seeds", seeds},
                  {"share_outside",
                   {{"value", 0.947},
                    {"low", 0.838},
                    {"high", 1.0},
                    {"n", 225},
                    {"clusters", 22}}}}}};
  };
  // 2 * scipy.stats.t.sf(12.7062 * .447 / .109, 1) and, of one seed,
  // t.ppf(.975, 21) * .447 / .109 over 22 topics: 2^-21 is the least.
  EXPECT_NEAR(*twin_claim(share(2)).p, 0.012216, 2e-5);
  EXPECT_NEAR(*twin_claim(share(1)).p, 4.7684e-7, 1e-9);
}

TEST(TwinClaim, WithoutATwinNothingIsMeasured) {
  const auto none = twin_claim({{"twin", nullptr}});
  EXPECT_FALSE(none.measured());
  EXPECT_EQ(twin_note(Json::object(), "finetuned@p"), "");
  EXPECT_THAT(twin_note(twin(0.4, 0.05), "finetuned@p"),
              HasSubstr("finetuned@p, 40 % (interval 35 to 45) is not"));
  EXPECT_EQ(twin_note(twin(0.4, 0.05), "contrastive@p"), "");
  Json elsewhere = {{"twin_elsewhere", Json::array({twin(0.2, 0.1)["twin"]})}};
  EXPECT_THAT(twin_note(elsewhere, "finetuned@p"),
              HasSubstr("20 % (interval 10 to 30)"));
}

}  // namespace
}  // namespace veer
