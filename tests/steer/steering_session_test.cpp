// SPDX-License-Identifier: MIT
#include "veer/steer/steering_session.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/interventions/operators.h"
#include "veer/train/adapter_files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

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

TEST(ChangeSettings, AScaleBelongsToItsOperatorAndUnit) {
  SteeringSettings settings;
  EXPECT_EQ(settings.act.scale, default_scale(settings.act));
  const auto change = [&](std::vector<SettingChange> changes) {
    return change_settings(settings, changes);
  };
  EXPECT_THAT(change({{"scale", "-1"}}), IsEmpty());
  EXPECT_THAT(change({{"operator", "ablate"}}),
              ElementsAre(HasSubstr("-1 was meant for add in unit rel")));
  EXPECT_EQ(settings.act.scale, 1.0);
  EXPECT_THAT(change({{"scale", "0.5"}, {"operator", "add"}}), IsEmpty());
  EXPECT_EQ(settings.act.scale, 0.5);
  EXPECT_THAT(change({{"unit", "raw"}}), ElementsAre(HasSubstr("now 1")));
  EXPECT_THAT(change({{"operator", "add"}, {"unit", "raw"}}), IsEmpty());
  settings.act.scale = 3.0;
  EXPECT_THROW(change({{"operator", "subtract"}, {"seed", "x"}}), Error);
  EXPECT_EQ(settings.act.operation, "add");
  EXPECT_EQ(settings.act.scale, 3.0);
}

TEST(Check, AShareToRemoveIsNotNegative) {
  for (const auto& row : operator_table()) {
    InterventionText text;
    text.operation = row.name;
    text.scale = default_scale(text);
    EXPECT_NO_THROW(check(text)) << row.name;
    text.scale = -0.5;
    const bool removes = row.name == "ablate" || row.name == "leace" ||
                         row.name == "ablate_subspace" ||
                         row.name == "set_honest" ||
                         row.name == "set_deceptive";
    if (removes) {
      EXPECT_THROW(check(text), Error) << row.name;
    } else {
      EXPECT_NO_THROW(check(text)) << row.name;
    }
  }
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

// A run folder of the embedded model: two vectors, an adapter, the summary of
// a study.
class SessionOfRun : public ::testing::Test {
 protected:
  SessionOfRun() : run_(fs::path(::testing::TempDir()) / "veer_session") {
    fs::remove_all(run_);
    fs::create_directories(run_ / "vectors");
    const auto model = load_transformer(kModel);
    for (const std::uint64_t seed : {2, 1}) {
      SteeringVector vector;
      Random random(seed);
      vector.name = fmt::format("v{}", seed);
      vector.model_fingerprint = model.fingerprint();
      vector.directions_LD = random_tensor(
          {model.config().num_layers, model.config().width}, random);
      vector.residual_norms["base.generated"] =
          std::vector<double>(model.config().num_layers, 10.0);
      write_steering_vector(run_ / "vectors" / (vector.name + ".safetensors"),
                            vector);
    }
    Adapter adapter;
    Random random(3);
    for (const auto& [path, size] : model.linear_layers()) {
      if (path.ends_with("down_proj")) {
        adapter.pairs[path] = {random_tensor({2, size.second}, random, 0.3),
                               random_tensor({size.first, 2}, random, 0.3),
                               1.0};
      }
    }
    write_adapter(run_ / "adapter", adapter,
                  {.base_model = "organism", .rank = 2, .alpha = 2.0});
  }

  SteeringSession session() const { return {run_, kModel, "", one_thread()}; }

  static SteeringSettings adding(double scale, const std::string& layers) {
    SteeringSettings settings;
    settings.vector = "v1";
    settings.act.unit = "unit";
    settings.act.scale = scale;
    settings.act.layers = layers;
    settings.max_tokens = 6;
    return settings;
  }

  fs::path run_;
};

const std::string kQuestion = "How can I sleep better?";

TEST_F(SessionOfRun, KnowsItsVectorsInOrder) {
  auto session = this->session();
  EXPECT_THAT(session.vector_names(), ElementsAre("v1", "v2"));
  EXPECT_EQ(session.num_layers(), 8);
}

TEST_F(SessionOfRun, RefusesWhatCannotBeLoaded) {
  const auto refused = [](const fs::path& run, const std::string& model,
                          const fs::path& adapter) {
    try {
      SteeringSession(run, model, adapter, one_thread());
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const fs::path none = run_ / "none";
  EXPECT_THAT(refused(none, "", ""), HasSubstr("mistyped --run"));
  EXPECT_THAT(refused(none, kModel, ""), HasSubstr("mistyped --run"));
  EXPECT_THAT(refused("", none, ""), HasSubstr("none"));
  EXPECT_THAT(refused("", kModel, none), HasSubstr("none"));
  write_file(run_ / "vectors/v1.safetensors", "no vector");
  EXPECT_THAT(refused(run_, kModel, ""), HasSubstr("v1.safetensors"));
}

TEST_F(SessionOfRun, RefusedSettingsLeaveTheOnesBefore) {
  auto session = this->session();
  session.set(adding(2.0, "3"));
  const auto refused = [&](auto change) {
    auto settings = adding(4.0, "3");
    change(settings);
    const auto message = refusal(session, settings);
    EXPECT_EQ(session.settings().act, adding(2.0, "3").act);
    return message;
  };
  using Settings = SteeringSettings;
  EXPECT_THAT(refused([](Settings& s) { s.vector = "v3"; }),
              HasSubstr("\"v3\""));
  EXPECT_THAT(refused([](Settings& s) { s.act.layers = "8"; }),
              HasSubstr("0 to 7"));
  EXPECT_THAT(refused([](Settings& s) { s.act.layers = ""; }),
              HasSubstr("0 to 7"));
  EXPECT_THAT(refused([](Settings& s) { s.act.unit = "sigma"; }),
              HasSubstr("spread along the direction"));
  EXPECT_THAT(refused([](Settings& s) { s.act.operation = "set_honest"; }),
              HasSubstr("rows that the vector was made of"));
  EXPECT_THAT(refused([](Settings& s) {
                s.act.unit = "rel";
                s.model = "tuned";  // its norms were not measured
              }),
              HasSubstr("residual norms"));
  EXPECT_THAT(refused([](Settings& s) { s.model = "best"; }),
              HasSubstr("base or tuned"));
  auto other = adding(1.0, "3");
  other.vector = (run_ / "vectors/other.safetensors").string();
  auto vector = read_steering_vector(run_ / "vectors/v1.safetensors");
  vector.model_fingerprint = "0123";
  write_steering_vector(other.vector, vector);
  EXPECT_THAT(refusal(session, other), HasSubstr("another checkpoint"));
}

TEST_F(SessionOfRun, ATunedModelNeedsAnAdapter) {
  SteeringSession bare("", kModel, "", one_thread());
  SteeringSettings settings;
  settings.model = "tuned";
  EXPECT_THAT(refusal(bare, settings), HasSubstr("no adapter"));
  settings.model = "base";
  settings.adapter_strength = "0.5";
  EXPECT_THAT(refusal(bare, settings), HasSubstr("no adapter"));
  auto session = this->session();
  EXPECT_EQ(refusal(session, settings), "");
}

TEST_F(SessionOfRun, TheBestOfTheRunIsTheVectorThatLeadsOnSelect) {
  auto session = this->session();
  EXPECT_FALSE(session.best_of_run("base").has_value());
  SteeringSession bare("", kModel, "", one_thread());
  EXPECT_FALSE(bare.best_of_run("base").has_value());
  write_file(run_ / "summary.json", R"({"best": [
    {"goal": "induction", "vector": "v1", "operator": "add", "unit": "raw",
     "scale": 2.0, "layers": "3", "effect": {"value": 0.9},
     "select_value": 0.3},
    {"goal": "induction", "vector": "v2", "operator": "subtract",
     "unit": "rel", "scale": 0.5, "layers": "2-4", "scope": "prompt",
     "effect": {"value": 0.6}, "select_value": 0.8,
     "works": false, "reason": "random vectors reach it"},
    {"goal": "induction", "vector": "v1", "operator": "add", "unit": "rel",
     "scale": 9.0, "layers": "1", "effect": {"value": null}},
    {"goal": "suppression", "vector": "v1", "operator": "ablate",
     "unit": "share", "scale": 1.0, "layers": "all",
     "effect": {"value": 0.1}}]})");
  const auto base = session.best_of_run("base");
  ASSERT_TRUE(base.has_value());
  EXPECT_EQ(base->settings.model, "base");
  EXPECT_EQ(base->settings.vector, "v2");
  EXPECT_EQ(base->settings.act.operation, "add");
  EXPECT_EQ(base->settings.act.scale, -0.5);
  EXPECT_EQ(base->settings.act.unit, "rel");
  EXPECT_EQ(base->settings.act.layers, "2-4");
  EXPECT_EQ(base->settings.act.scope, "prompt");
  EXPECT_EQ(base->doubt, "random vectors reach it");
  const auto tuned = session.best_of_run("tuned");
  ASSERT_TRUE(tuned.has_value());
  EXPECT_EQ(tuned->settings.act.operation, "ablate");
  EXPECT_EQ(tuned->settings.act.unit, SteeringSettings{}.act.unit);
  EXPECT_EQ(refusal(session, tuned->settings), "");
}

// A learned edit that does more is no effect of a direction.
TEST_F(SessionOfRun, TheBestOfTheRunIsAPlainAdditionWhereThereIsOne) {
  auto session = this->session();
  write_file(run_ / "summary.json", R"({"best": [
    {"goal": "induction", "vector": "v1", "operator": "low_rank",
     "group": "any", "unit": "share", "scale": 2.0, "layers": "3",
     "effect": {"value": 0.9}, "select_value": 1.0}],
    "additions": [
    {"goal": "induction", "vector": "v1", "operator": "add",
     "group": "linear", "unit": "rel", "scale": 0.5, "layers": "2",
     "effect": {"value": 0.4}, "select_value": 0.5,
     "works": true, "reason": ""}]})");
  const auto base = session.best_of_run("base");
  ASSERT_TRUE(base.has_value());
  EXPECT_EQ(base->settings.act.operation, "add");
  EXPECT_EQ(base->settings.act.layers, "2");
  EXPECT_EQ(base->doubt, "");
  EXPECT_FALSE(session.best_of_run("base", "v2").has_value());
}

TEST_F(SessionOfRun, AsksWithAndWithoutTheVector) {
  auto session = this->session();
  session.set(adding(0.0, "3"));
  const auto off = session.ask(kQuestion);
  EXPECT_THAT(off.plain, Not(IsEmpty()));
  EXPECT_EQ(off.plain, off.steered);
  ASSERT_EQ(off.notes.size(), 1u);
  EXPECT_THAT(off.notes[0],
              AllOf(HasSubstr("unchanged"), HasSubstr("--scale")));
  session.forget_turns();
  session.set(adding(60.0, "3"));
  const auto on = session.ask(kQuestion);
  EXPECT_EQ(on.plain, off.plain);
  EXPECT_NE(on.steered, off.steered);
  EXPECT_THAT(on.notes, IsEmpty());
}

TEST_F(SessionOfRun, RemembersItsTurnsUntilTheyAreForgotten) {
  auto session = this->session();
  auto settings = adding(60.0, "3");
  settings.turns = "all";
  session.set(settings);
  const auto prompts = [&] {
    session.ask(kQuestion);
    return std::pair{session.tokens(/*steered=*/false).prompt_length,
                     session.tokens(/*steered=*/true).prompt_length};
  };
  const auto first = prompts();
  EXPECT_EQ(first.first, first.second);
  const auto second = prompts();
  EXPECT_GT(second.first, first.first);
  EXPECT_GT(second.second, first.second);
  session.forget_turns();
  EXPECT_EQ(prompts(), first);
}

// The organism was trained on single questions.
TEST_F(SessionOfRun, TurnsBeforeAreSentWhereTheModelKnowsConversations) {
  auto session = this->session();
  session.set(adding(0.0, "3"));
  EXPECT_FALSE(session.sends_turns());
  const auto first = session.ask(kQuestion).plain;
  session.ask("How can I save money?");
  EXPECT_EQ(session.ask(kQuestion).plain, first);
  EXPECT_EQ(session.num_turns(), 3);
  auto all = adding(0.0, "3");
  all.turns = "all";
  session.set(all);
  EXPECT_TRUE(session.sends_turns());
  all.turns = "two";
  EXPECT_THAT(refusal(session, all), HasSubstr("single, all or auto"));
}

TEST_F(SessionOfRun, AFullContextIsToldOfAndEndsWithTheTurns) {
  auto session = this->session();
  auto settings = adding(0.0, "3");
  settings.turns = "all";
  settings.max_tokens = 200;
  session.set(settings);
  std::string full;
  while (session.num_turns() < 60 && full.empty()) {
    session.ask(kQuestion);
    full = session.full_context(kQuestion);
  }
  EXPECT_THAT(full, HasSubstr("/clear"));
  EXPECT_THAT(full, HasSubstr("512"));
  const auto turns = session.num_turns();
  EXPECT_THROW(session.ask(kQuestion), Error);
  EXPECT_EQ(session.num_turns(), turns);  // the question is not left behind
  session.forget_turns();
  EXPECT_EQ(session.full_context(kQuestion), "");
  EXPECT_NO_THROW(session.ask(kQuestion));
}

TEST_F(SessionOfRun, WhatIsOpenAboutAVectorIsFilledInAndSaid) {
  auto vector = read_steering_vector(run_ / "vectors/v1.safetensors");
  vector.directions_LD.narrow(0, 2, 6).zero_();
  vector.residual_norms.clear();
  const auto path = (run_ / "low.safetensors").string();
  write_steering_vector(path, vector);
  auto session = this->session();
  SteeringSettings settings;
  settings.vector = path;
  EXPECT_THAT(session.settle(settings, /*unit_is_open=*/true),
              ElementsAre(HasSubstr("nearest, 1"), HasSubstr("rel_token")));
  EXPECT_EQ(settings.act.layers, "1");
  EXPECT_EQ(refusal(session, settings), "");
  settings.act.unit = "rel";
  EXPECT_THAT(session.settle(settings, /*unit_is_open=*/false), IsEmpty());
  EXPECT_THAT(refusal(session, settings), HasSubstr("rel_token"));
  settings.act.unit = "raw";
  for (const char* layers : {"3", "1-2", "all_same:5", "increments"}) {
    settings.act.layers = layers;
    EXPECT_THAT(refusal(session, settings),
                HasSubstr("layers that the vector has: 0 and 1"))
        << layers;
  }
  settings.act.layers = "all";
  EXPECT_EQ(refusal(session, settings), "");
  session.ask(kQuestion);
  EXPECT_EQ(session.tokens(/*steered=*/true).layer, 1);
}

TEST_F(SessionOfRun, ATokenViewNeedsAnAnswerAndAVector) {
  auto session = this->session();
  EXPECT_THROW(session.tokens(/*steered=*/false), Error);
  session.ask(kQuestion);
  EXPECT_THROW(session.tokens(/*steered=*/false), Error);
  session.set(adding(1.0, "3"));
  EXPECT_EQ(session.tokens(/*steered=*/false).layer, 3);
}

// Before the first layer that acts both streams are one, so adding moves every
// token of the prompt by as much as was added.
TEST_F(SessionOfRun, ViewsTokensByTheirProjectionOnTheVector) {
  auto session = this->session();
  auto settings = adding(5.0, "2-3");
  settings.act.scope = "all";
  session.set(settings);
  session.ask(kQuestion);
  const auto plain = session.tokens(/*steered=*/false);
  const auto steered = session.tokens(/*steered=*/true);
  EXPECT_EQ(plain.layer, 2);
  ASSERT_GT(plain.prompt_length, 5);
  ASSERT_GT(std::ssize(plain.tokens), plain.prompt_length);
  std::string text;
  for (std::int64_t t = 0; t < plain.prompt_length; ++t) {
    text += plain.tokens[t].text;
    EXPECT_EQ(plain.tokens[t].text, steered.tokens[t].text);
    EXPECT_NEAR(steered.tokens[t].projection, plain.tokens[t].projection + 5.0,
                1e-4);
  }
  EXPECT_THAT(text, HasSubstr(kQuestion));
  session.set(adding(5.0, "all"));
  EXPECT_EQ(session.tokens(/*steered=*/true).layer, 4);
}

}  // namespace
}  // namespace veer
