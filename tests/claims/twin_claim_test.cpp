// SPDX-License-Identifier: MIT
#include "veer/claims/twin_claim.h"

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
              HasSubstr("of a random direction in 128 dimensions 99 %"));
  document["twin"]["share_random"] = {
      {"value", 0.97}, {"low", 0.9}, {"high", 0.995}, {"n", 1000}};
  const auto drawn = HasSubstr("; of random directions 97 % [90, 100]");
  EXPECT_THAT(said(), drawn);
  EXPECT_THAT(twin_numbers(document, "finetuned@p"), drawn);
}

// Two numbers side by side are no answer: both sides of one half, and of what
// random directions have.
TEST(TwinClaim, SaysWhatTheShareComesTo) {
  const auto conclusion = [](double share, const Json& random) {
    Json document = twin(share, 0.03);
    document["twin"]["share_random"] = random;
    EXPECT_THAT(twin_claim(document).reason,
                HasSubstr(twin_conclusion(document, "finetuned@p")));
    return twin_conclusion(document, "finetuned@p");
  };
  const Json drawn = {{"value", 0.97}, {"low", 0.9}, {"high", 0.995}};
  EXPECT_EQ(conclusion(0.13, drawn),
            "Mostly what tuning on honest answers writes too.");
  EXPECT_THAT(conclusion(0.48, drawn), HasSubstr("Not told"));
  EXPECT_EQ(conclusion(0.8, nullptr),
            "Mostly not what tuning on honest answers writes.");
  EXPECT_EQ(conclusion(0.8, drawn),
            "Mostly not what tuning on honest answers writes, but more of that "
            "than a random direction has.");
  EXPECT_EQ(conclusion(0.95, drawn),
            "Mostly not what tuning on honest answers writes; in that not told "
            "from a random direction.");
  // A mean over layers must not hide one of them.
  Json document = twin(0.95, 0.03);
  document["twin"]["share_random"] = drawn;
  const auto at = [](std::int64_t layer, double share, double random) {
    return Json{
        {"layer", layer},
        {"share_random", random},
        {"share_outside",
         {{"value", share}, {"low", share - 0.09}, {"high", share + 0.09}}}};
  };
  document["twin"]["by_layer"] = {at(0, 0.998, 0.99), at(1, 0.72, 0.85),
                                  at(2, 0.59, 0.85)};
  EXPECT_EQ(
      twin_conclusion(document, "finetuned@p"),
      "Mostly not what tuning on honest answers writes, but more of that "
      "at a layer than a random direction has. At layer 2 it is 59 % [50, "
      "68], where a random direction has 85 %.");
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
  EXPECT_EQ(twin_numbers(Json::object(), "finetuned@p"), "");
  EXPECT_EQ(twin_conclusion(Json::object(), "finetuned@p"), "");
  EXPECT_EQ(
      twin_numbers(twin(0.4, 0.05), "finetuned@p"),
      "Of its squared length 40 % [35, 45] lies outside the honest twin's "
      "direction (finetuned@p).");
  EXPECT_EQ(twin_numbers(twin(0.4, 0.05), "contrastive@p"), "");
  Json elsewhere = {{"twin_elsewhere", Json::array({twin(0.2, 0.1)["twin"]})}};
  EXPECT_THAT(twin_numbers(elsewhere, "finetuned@p"),
              HasSubstr("20 % [10, 30]"));
}

}  // namespace
}  // namespace veer
