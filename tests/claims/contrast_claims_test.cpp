// SPDX-License-Identifier: MIT
#include "veer/claims/contrast_claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted_sweep.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

constexpr const char* kC = "contrastive@p";
constexpr const char* kF = "finetuned@p";

Json contrast(const char* claim, const std::string& vector, double value,
              double half, double mean_b = 0.3, double price = 1.0) {
  const Json difference = planted_estimate(value, half);
  return {
      {"claim", claim},
      {"vector", vector},
      {"what", vector + ": one minus two"},
      {"goal", "induction"},
      {"at", "best of select"},
      {"difference", difference},
      {"simultaneous", difference},
      {"adjusted_p", value - half > 0.0 || value + half < 0.0 ? 0.001 : 0.5},
      {"mean_a", mean_b + value},
      {"mean_b", mean_b},
      {"most", 1.0},
      {"divergence_a", price},
      {"divergence_b", 1.0},
      {"candidates_a", 24},
      {"candidates_b", 24}};
}

// `claim`'s sides as the best of so many configurations.
Json searched(Json contrast, int a, int b) {
  contrast["candidates_a"] = a;
  contrast["candidates_b"] = b;
  return contrast;
}

// The chosen cells of both vectors: adding and the nonlinear winner.
Json groups() {
  return Json::array({planted_effect(kC, "induction", 0.3),
                      planted_effect(kC, "induction", 0.8, 0.05, "nonlinear"),
                      planted_effect(kF, "induction", 0.3),
                      planted_effect(kF, "induction", 0.8, 0.05, "nonlinear")});
}

HypothesisResult claim(const Json& contrasts, const std::string& id,
                       const Json& chosen = groups()) {
  const Json sweep = {{"groups", chosen}, {"contrasts", contrasts}};
  for (auto& result : contrast_claims(sweep, chosen_effects(sweep))) {
    if (result.id() == id) {
      return result;
    }
  }
  ADD_FAILURE() << id;
  return {};
}

TEST(ContrastClaims, AGainAtTheSamePriceSupports) {
  const auto list = Json::array({contrast("H15", kC, 0.3, 0.2)});
  const auto got = claim(list, "H15");
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_DOUBLE_EQ(*got.p, 0.001);
  EXPECT_FALSE(claim(list, "H17").measured());
}

// Any vector counts, and the reason says which were compared.
TEST(ContrastClaims, EveryVectorCounts) {
  const auto got = claim(Json::array({contrast("H15", kC, 0.0, 0.05),
                                      contrast("H15", kF, 0.5, 0.1)}),
                         "H15");
  EXPECT_EQ(got.decision, Decision::kSupported);
  EXPECT_THAT(got.reason, HasSubstr("finetuned@p: one minus two"));
  EXPECT_THAT(got.reason, HasSubstr("contrastive@p (induction)"));
}

TEST(ContrastClaims, AGainThatCostsMoreDecidesNothing) {
  const auto got =
      claim(Json::array({contrast("H15", kC, 0.3, 0.2, 0.3, 2.0)}), "H15");
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("costs more"));
}

// One rule, whatever the addition does: nothing is waived where it does
// nothing.
TEST(ContrastClaims, AnAdditionThatDoesNothingIsNoPriceToBeat) {
  auto chosen = groups();
  chosen[0] = planted_effect(kC, "induction", 0.0);
  const auto won = [&](double price) {
    return claim(Json::array({contrast("H15", kC, 0.8, 0.1, 0.0, price)}),
                 "H15", chosen);
  };
  EXPECT_EQ(won(5.0).decision, Decision::kUndecided);
  EXPECT_THAT(won(5.0).reason, HasSubstr("no addition to compare in price"));
  EXPECT_THAT(won(5.0).reason,
              HasSubstr("at 5 nats (KL) against the addition's 1"));
  // It was searched as dear and does nothing there.
  EXPECT_EQ(won(1.1).decision, Decision::kSupported);
  EXPECT_THAT(won(1.1).reason,
              HasSubstr("at 1.1 nats (KL) against the addition's 1"));
}

TEST(ContrastClaims, AnUnknownPriceDecidesNothing) {
  auto free = contrast("H15", kC, 0.3, 0.2);
  free["divergence_b"] = nullptr;
  const auto got = claim(Json::array({free}), "H15");
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("was not measured"));
}

TEST(ContrastClaims, AnAdditionThatBreaksTheTextIsNoRival) {
  auto chosen = groups();
  chosen[0]["coherent"] = planted_estimate(0.5, 0.1);
  const auto got =
      claim(Json::array({contrast("H15", kC, 0.3, 0.2)}), "H15", chosen);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("the addition's text is broken"));
}

TEST(ContrastClaims, ABlendIsHeldAgainstTheVectorThatItBeats) {
  auto chosen = groups();
  chosen[0] = planted_effect(kC, "induction", 0.0);
  chosen[0]["cell"] = 7;
  chosen.push_back(
      planted_effect("blend:0.5", "induction", 0.8, 0.05, "blend"));
  auto list = Json::array({contrast("H16", "", 0.8, 0.1, 0.0, 5.0)});
  list[0]["cell_b"] = 7;
  EXPECT_THAT(claim(list, "H16", chosen).reason,
              HasSubstr("no addition to compare in price"));
  list[0]["cell_b"] = 0;  // the other vector's, which works
  EXPECT_THAT(claim(list, "H16", chosen).reason,
              HasSubstr("costs more divergence"));
}

// The best of many is better than the best of few: only who was not searched
// more widely wins.
TEST(ContrastClaims, TheWinnerIsNotTheBestOfMore) {
  const auto gain = contrast("H15", kC, 0.3, 0.2);
  EXPECT_EQ(claim(Json::array({searched(gain, 12, 48)}), "H15").decision,
            Decision::kSupported);
  const auto more = claim(Json::array({searched(gain, 49, 48)}), "H15");
  EXPECT_EQ(more.decision, Decision::kUndecided);
  EXPECT_THAT(more.reason, HasSubstr("best of 49 against best of 48"));
  EXPECT_THAT(more.reason, HasSubstr("the best of more configurations"));
  const auto none = contrast("H16", "", 0.0, 0.05);
  EXPECT_EQ(claim(Json::array({searched(none, 48, 12)}), "H16").decision,
            Decision::kContradicted);
  const auto fewer = claim(Json::array({searched(none, 12, 48)}), "H16");
  EXPECT_EQ(fewer.decision, Decision::kUndecided);
  EXPECT_THAT(fewer.reason, HasSubstr("searched in more configurations"));
  auto old = gain;
  old.erase("candidates_a");
  EXPECT_THAT(claim(Json::array({old}), "H15").reason,
              HasSubstr("is not known"));
}

TEST(ContrastClaims, AFittedMapHasNoMatchedControl) {
  auto chosen = groups();
  chosen.push_back(planted_effect(kC, "induction", 0.8, 0.05, "learned"));
  const auto got =
      claim(Json::array({contrast("H15L", kC, 0.3, 0.2)}), "H15L", chosen);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("a fitted map has no matched control"));
  EXPECT_EQ(
      claim(Json::array({contrast("H15L", kC, 0.0, 0.05)}), "H15L", chosen)
          .decision,
      Decision::kContradicted);
}

TEST(ContrastClaims, TheWinnerHasToWork) {
  auto chosen = groups();
  chosen[1]["random_vectors"]["n"] = 0;
  chosen[1]["cell"] = 5;  // its own, whose controls nobody ran
  chosen[1]["operator"] = "slerp";
  const auto got =
      claim(Json::array({contrast("H15", kC, 0.3, 0.2)}), "H15", chosen);
  EXPECT_EQ(got.decision, Decision::kUndecided);
  EXPECT_THAT(got.reason, HasSubstr("no random vector"));
}

TEST(ContrastClaims, SmallDifferencesContradict) {
  EXPECT_EQ(claim(Json::array({contrast("H17", kC, 0.0, 0.05),
                               contrast("H17", kF, -0.2, 0.1)}),
                  "H17")
                .decision,
            Decision::kContradicted);
  EXPECT_EQ(claim(Json::array({contrast("H17", kC, 0.1, 0.2)}), "H17").decision,
            Decision::kUndecided);
}

// Adding reaches 97 %: nothing can beat it by ten points.
TEST(ContrastClaims, AtACeilingNothingIsContradicted) {
  const auto full =
      claim(Json::array({contrast("H15", kC, 0.0, 0.02, 0.97)}), "H15");
  EXPECT_EQ(full.decision, Decision::kUndecided);
  EXPECT_THAT(full.reason, HasSubstr("no room: 3 points were left"));
  EXPECT_THAT(full.reason, HasSubstr("at a ceiling: contrastive@p"));
  // A vector with room decides, the full one does not count against it.
  EXPECT_EQ(claim(Json::array({contrast("H15", kC, 0.0, 0.02, 0.97),
                               contrast("H15", kF, 0.0, 0.05, 0.3)}),
                  "H15")
                .decision,
            Decision::kContradicted);
  // An older document does not say what was left; the chosen cells do.
  auto old = contrast("H16", "", 0.0, 0.02);
  old.erase("most");
  const auto chosen =
      Json::array({planted_effect(kC, "induction", 0.97, 0.02)});
  EXPECT_THAT(claim(Json::array({old}), "H16", chosen).reason,
              HasSubstr("no room"));
}

// The row shows the number that decides.
TEST(ContrastClaims, AContradictionShowsWhatIsNearestToTheMargin) {
  const auto got = claim(Json::array({contrast("H15", kC, 0.02, 0.2, 0.97),
                                      contrast("H15", kF, -0.3, 0.35),
                                      contrast("H15", kF, -0.2, 0.05)}),
                         "H15");
  EXPECT_EQ(got.decision, Decision::kContradicted);
  EXPECT_DOUBLE_EQ(*got.effect.value, -0.3);
  EXPECT_LT(*got.effect.high, 0.1);
  EXPECT_THAT(got.reason, HasSubstr("nearest to the margin"));
}

TEST(ContrastClaims, TheTwoVectorsDifferByWhatTheTableShows) {
  const auto moved = [](double value, double half, double mean = 0.5) {
    auto own = contrast("H2", "", value, half, mean);
    own["at"] = "equal displacement";
    return own;
  };
  const auto differ =
      claim(Json::array({moved(0.0, 0.05), moved(-0.3, 0.2)}), "H2");
  EXPECT_EQ(differ.decision, Decision::kSupported);
  EXPECT_DOUBLE_EQ(*differ.effect.value, -0.3);
  EXPECT_DOUBLE_EQ(*differ.p, 0.001);
  // At equal divergence the price has an error that no interval holds.
  auto priced = contrast("H2", "", -0.3, 0.2);
  priced["at"] = "equal divergence";
  const auto same = claim(Json::array({moved(0.0, 0.05), priced}), "H2");
  EXPECT_EQ(same.decision, Decision::kContradicted);
  EXPECT_THAT(same.reason, HasSubstr("not deciding"));
  EXPECT_FALSE(claim(Json::array({priced}), "H2").measured());
  auto full = moved(0.0, 0.0, 1.0);
  EXPECT_EQ(claim(Json::array({full}), "H2").decision, Decision::kUndecided);
  EXPECT_THAT(claim(Json::array({full}), "H2").reason, HasSubstr("no room"));
  auto inert = moved(0.0, 0.0, 0.0);
  EXPECT_THAT(claim(Json::array({inert}), "H2").reason, HasSubstr("no room"));
}

// All layers minus one at equal divergence and where either side has half of
// the other's, in which it does `less` points less.
Json modes(const Json& equal, double less = 0.0) {
  Json list = Json::array();
  const double value = equal["difference"]["value"].get<double>();
  const double half = equal["difference"]["high"].get<double>() - value;
  for (const auto& [at, change] : {std::pair{"equal divergence", 0.0},
                                   {"half the divergence", -less},
                                   {"twice the divergence", less}}) {
    Json own = equal;
    own["at"] = at;
    own["difference"] = planted_estimate(value + change, half);
    own["simultaneous"] = own["difference"];
    list.push_back(own);
  }
  return list;
}

Json both(Json a, const Json& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(ContrastClaims, LayerModesAreToldOverVectors) {
  const auto more = modes(contrast("H19", kC, 0.3, 0.2));
  EXPECT_EQ(
      claim(both(more, modes(contrast("H19", kF, 0.4, 0.2))), "H19").decision,
      Decision::kSupported);
  // A loss is an effect too, and leaves room to differ.
  const auto worse = modes(contrast("H19", kC, -0.15, 0.28, -0.04));
  EXPECT_THAT(claim(worse, "H19").reason, testing::Not(HasSubstr("no room")));
  // One vector of two says nothing about vectors.
  const auto mixed =
      claim(both(more, modes(contrast("H19", kF, 0.0, 0.15))), "H19");
  EXPECT_EQ(mixed.decision, Decision::kUndecided);
  EXPECT_EQ(mixed.effect.n, 2);
  EXPECT_THAT(mixed.reason, HasSubstr("one training seed"));
  EXPECT_EQ(claim(both(modes(contrast("H19", kC, 0.0, 0.05)),
                       modes(contrast("H19", kF, 0.0, 0.05))),
                  "H19")
                .decision,
            Decision::kContradicted);
}

// The price is measured on four questions: a difference that half of it would
// make up decides nothing, neither way.
TEST(ContrastClaims, LayerModesHaveToHoldAtHalfThePrice) {
  EXPECT_EQ(claim(modes(contrast("H19", kC, 0.3, 0.2), 0.05), "H19").decision,
            Decision::kSupported);
  EXPECT_EQ(claim(modes(contrast("H19", kC, 0.3, 0.2), 0.15), "H19").decision,
            Decision::kUndecided);
  EXPECT_EQ(claim(modes(contrast("H19", kC, -0.3, 0.2), 0.05), "H19").decision,
            Decision::kSupported);
  EXPECT_EQ(claim(modes(contrast("H19", kC, -0.3, 0.2), 0.15), "H19").decision,
            Decision::kUndecided);
  EXPECT_EQ(claim(modes(contrast("H19", kC, 0.0, 0.05), 0.1), "H19").decision,
            Decision::kUndecided);
  // What was not read at half decides nothing.
  auto equal = modes(contrast("H19", kC, 0.3, 0.2));
  equal.erase(1);
  EXPECT_EQ(claim(equal, "H19").decision, Decision::kUndecided);
}

}  // namespace
}  // namespace veer
