// SPDX-License-Identifier: MIT
#include "veer/study/steering_session.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kModel = "models/organism";

RunSettings one_thread() {
  RunSettings machine;
  machine.device = "cpu";
  machine.threads = 1;
  return machine;
}

// What set() says; empty if it takes the settings.
std::string refusal(SteeringSession& session,
                    const SteeringSettings& settings) {
  try {
    session.set(settings);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
    return e.what();
  }
  return "";
}

TEST(SteeringSession, ChecksWithoutAVectorWhatNeedsNone) {
  SteeringSession session("", kModel, "", one_thread());
  const SteeringSettings good = session.settings();
  const auto with = [&good](auto change) {
    SteeringSettings settings = good;
    change(settings.act);
    return settings;
  };
  using Act = InterventionText;
  const std::pair<SteeringSettings, const char*> wrong[] = {
      {with([](Act& a) { a.layers = "99"; }), "0 to 7"},
      {with([](Act& a) { a.layers = "2-8"; }), "0 to 7"},
      {with([](Act& a) { a.operation = "ad"; }), "\"add\""},
      {with([](Act& a) { a.operation = "patch"; }), "without a donor"},
      {with([](Act& a) { a.unit = "sigmas"; }), "sigma"},
      {with([](Act& a) { a.scope = "first"; }), "first"},
      {with([](Act& a) { a.budget = "half"; }), "per_layer"},
      {with([](Act& a) { a.norms = "mean"; }), "prompt_end"},
      {with([](Act& a) { a.site = "resid"; }), "resid_post"}};
  for (const auto& [settings, expected] : wrong) {
    EXPECT_THAT(refusal(session, settings), HasSubstr(expected));
    EXPECT_EQ(session.settings().act, good.act);
  }
  const auto sigma = with([](Act& a) {
    a.layers = "depth:0.5";
    a.unit = "sigma";
  });
  EXPECT_EQ(refusal(session, sigma), "");
  EXPECT_EQ(session.settings().act, sigma.act);
}

TEST(WaitingForVector, IsWhatOnlyAVectorCanTell) {
  SteeringSettings settings;
  EXPECT_THAT(waiting_for_vector(settings),
              ElementsAre("the norms of unit rel"));
  settings.act.unit = "sigma";
  EXPECT_THAT(waiting_for_vector(settings),
              ElementsAre("the spread of unit sigma"));
  settings.act.operation = "affine";
  EXPECT_THAT(waiting_for_vector(settings),
              ElementsAre("the spread of unit sigma",
                          "the statistics of operator affine"));
  settings.act.operation = "rotate";
  EXPECT_THAT(waiting_for_vector(settings),
              ElementsAre("the second vector of operator rotate"));
  settings.act.operation = "ablate";
  EXPECT_THAT(waiting_for_vector(settings), IsEmpty());
  settings.act.operation = "affine";
  settings.vector = "v";
  EXPECT_THAT(waiting_for_vector(settings), IsEmpty());
}

}  // namespace
}  // namespace veer
