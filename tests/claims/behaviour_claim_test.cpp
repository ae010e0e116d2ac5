// SPDX-License-Identifier: MIT
#include "veer/claims/behaviour_claim.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

// Decisions of H1 to H6, "+" supported, "-" contradicted, "?" undecided.
BehaviourRun run(const std::string& behaviour, const std::string& decisions,
                 double effect = 0.4) {
  Json claims = Json::array();
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    claims.push_back({{"id", "H" + std::to_string(i + 1)},
                      {"decision", decisions[i] == '+'   ? "supported"
                                   : decisions[i] == '-' ? "contradicted"
                                                         : "undecided"},
                      {"effect", {{"value", effect}}}});
  }
  return {behaviour, {{"claims", claims}}};
}

HypothesisResult claim(const std::vector<BehaviourRun>& runs) {
  return behaviour_claim(runs);
}

TEST(BehaviourClaim, CountsClaimsThatBothDecideAlike) {
  const auto same = claim({run("", "+--+-?"), run("sycophancy", "+--+-+")});
  EXPECT_EQ(same.decision, Decision::kSupported);  // five of five
  EXPECT_EQ(same.effect.n, 5);
  EXPECT_DOUBLE_EQ(*same.effect.value, 1.0);
  const auto other = claim({run("", "+--+-"), run("sycophancy", "-++-+")});
  EXPECT_EQ(other.decision, Decision::kContradicted);
  const auto few = claim({run("", "+--"), run("sycophancy", "+--")});
  EXPECT_EQ(few.decision, Decision::kUndecided);
  const auto some = claim({run("", "+--+-"), run("sycophancy", "+--++")});
  EXPECT_EQ(some.reason, "4 of 5 claims decided in both are alike; not H5");
}

TEST(BehaviourClaim, SignCountsAsWell) {
  const auto got = claim({run("", "+++++"), run("sycophancy", "+++++", -0.4)});
  EXPECT_EQ(got.decision, Decision::kContradicted);
}

TEST(BehaviourClaim, MostRunsOfABehaviourSpeakForIt) {
  const auto got = claim({run("", "+++++"), run("", "+++++"), run("", "-----"),
                          run("sycophancy", "+++++")});
  EXPECT_EQ(got.decision, Decision::kSupported);
}

TEST(BehaviourClaim, OneBehaviourIsNoComparison) {
  EXPECT_EQ(claim({run("", "+--+-")}).effect.reason, "not measured");
  EXPECT_EQ(claim({run("", "+????"), run("sycophancy", "?+???")}).effect.reason,
            "not measured");
}

}  // namespace
}  // namespace veer
