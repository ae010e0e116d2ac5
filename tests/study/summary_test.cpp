// SPDX-License-Identifier: MIT
#include "veer/study/summary.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/study/summary_doubts.h"

namespace veer {
namespace {

Json layer(int number, double cosine, double low, double high) {
  return {{"layer", number},
          {"cosine", cosine},
          {"low", low},
          {"high", high},
          {"null_low", -0.2},
          {"null_high", 0.2},
          {"verdict", low > 0.2     ? "align"
                      : high < -0.2 ? "opposed"
                                    : "undecided"}};
}

Json comparison(const Json& layers) {
  return {{"pairs", Json::array({{{"a", "contrastive@p"},
                                  {"b", "finetuned@p"},
                                  {"primary", true},
                                  {"by_layer", layers}}})}};
}

Json estimate(double value, double half) {
  return {{"value", value}, {"low", value - half}, {"high", value + half}};
}

Json best(const std::string& goal, double effect, bool beats) {
  return {{"vector", "contrastive@p"},
          {"goal", goal},
          {"measure", goal == "induction" ? "deceptive" : "honest"},
          {"operator", goal == "induction" ? "add" : "subtract"},
          {"layers", "3"},
          {"scale", 0.5},
          {"unit", "rel"},
          {"effect", estimate(effect, 0.1)},
          {"random_effect", estimate(0.0, 0.05)},
          {"beats_random", beats}};
}

std::string verdict(const Json& comparison, const Json& sweep) {
  std::string text;
  const Json summary = summarise_study(comparison, sweep, Json::object());
  for (const auto& sentence : summary["verdict"]) {
    text += sentence.get<std::string>() + "\n";
  }
  return text;
}

TEST(Summary, SaysYesAndNoByTheNumbers) {
  const Json none = Json::object();
  EXPECT_THAT(
      verdict(comparison(Json::array({layer(0, 0.1, -0.1, 0.3)})), none),
      testing::HasSubstr("not told from chance at any of 1 layers"));
  EXPECT_THAT(verdict(comparison(Json::array(
                          {layer(0, 0.1, -0.1, 0.3), layer(1, 0.8, 0.7, 0.9)})),
                      none),
              testing::HasSubstr("agree beyond chance at 1 of 2 layers "
                                 "(cosine 0.80 to 0.80 there, 0.10 at "
                                 "least in all)"));
  // That they do not agree is for the equivalence test to say.
  Json apart = layer(0, 0.01, -0.02, 0.04);
  apart["verdict"] = "orthogonal";
  EXPECT_THAT(
      verdict(comparison(Json::array({apart})), none),
      testing::HasSubstr("do not agree at any of 1 layers, by an equivalence"));
  Json unknown = layer(0, 0.0, 0.0, 0.0);
  unknown["cosine"] = nullptr;
  // A layer that was not extracted was not asked.
  EXPECT_THAT(
      verdict(comparison(Json::array({unknown, layer(1, 0.1, -0.1, 0.3)})),
              none),
      testing::HasSubstr("at any of 1 layers"));
  EXPECT_THAT(verdict(comparison(Json::array({unknown})), none),
              testing::HasSubstr("cannot be told"));
  EXPECT_THAT(
      verdict(comparison(Json::array({layer(0, -0.8, -0.9, -0.7)})), none),
      testing::HasSubstr("oppose each other at 1"));
}

TEST(Summary, AnEffectCountsOnlyBeyondRandomVectors) {
  const Json layers = Json::array({layer(0, 0.8, 0.7, 0.9)});
  EXPECT_THAT(verdict(comparison(layers),
                      {{"best", Json::array({best("induction", 0.6, true)})}}),
              testing::HasSubstr("+60 points [+50, +70] (layer 3, +0.5 rel)"));
  EXPECT_THAT(
      verdict(comparison(layers),
              {{"best", Json::array({best("induction", 0.6, false)})}}),
      testing::HasSubstr("is not told from random vectors (first on select: "
                         "contrastive@p, +60 points [+50, +70], layer "
                         "3, +0.5 rel)"));
  EXPECT_THAT(verdict(comparison(layers), {{"best", Json::array()}}),
              testing::HasSubstr("sweep.models has no base model"));
}

TEST(Summary, SaysWhatIsLeftWithoutConfounds) {
  Json document = comparison(
      Json::array({layer(0, 0.9, 0.8, 0.95), layer(1, 0.8, 0.7, 0.9)}));
  EXPECT_THAT(verdict(document, Json::object()),
              testing::Not(testing::HasSubstr("confounds")));
  document["confounds"] = {
      {"overlaps", Json::array()},
      {"pairs", Json::array({{{"a", "contrastive@p"},
                              {"b", "finetuned@p"},
                              {"confounds", {"length", "refusal"}},
                              {"by_layer",
                               {{{"layer", 0}, {"without", -0.1}},
                                {{"layer", 1}, {"without", 0.4}}}}}})}};
  EXPECT_THAT(verdict(document, Json::object()),
              testing::HasSubstr("(cosine 0.80 to 0.90). With 2 confounds "
                                 "projected out of both: -0.10 to 0.40."));
  document["confounds"]["pairs"][0]["confounds"] = Json::array();
  EXPECT_THAT(verdict(document, Json::object()),
              testing::Not(testing::HasSubstr("confounds")));
}

TEST(Summary, WhatRoundsToNothingHasNoMinus) {
  Json nothing = best("induction", 0.3, true);
  nothing["random_effect"] = estimate(-0.001, 0.002);
  EXPECT_THAT(verdict(Json::object(), {{"best", Json::array({nothing})}}),
              testing::HasSubstr("random vectors +0 points [+0, +0]"));
}

// The number beside the effect is what was taken off it, also with too few
// vectors for a percentile.
TEST(Summary, NamesTheRandomVectorsThatWereSubtracted) {
  Json entry = best("induction", 0.9, true);
  entry["random_vectors"] = {{"n", 64}, {"percentile_95", 0.0625}};
  entry["covariance_vectors"] = {{"n", 8}, {"percentile_95", nullptr}};
  entry["covariance_effect"] = estimate(0.1, 0.05);
  entry["matched_control"] = {{"kind", "covariance"},
                              {"vectors", 8},
                              {"mean", estimate(0.1, 0.05)},
                              {"percentile_95", nullptr}};
  const auto text = [&] {
    return verdict(Json::object(), {{"best", Json::array({entry})}});
  };
  EXPECT_THAT(text(), testing::HasSubstr("; covariance-matched random vectors "
                                         "+10 points [+5, +15]."));
  entry["matched_control"]["percentile_95"] = 0.25;
  entry["matched_control"]["vectors"] = 32;
  EXPECT_THAT(text(), testing::HasSubstr("[+5, +15], 95th percentile of 32: "
                                         "+25 points."));
  entry["matched_control"]["kind"] = "isotropic";
  EXPECT_THAT(text(), testing::HasSubstr("; random vectors +10 points"));
  entry["measure"] = "score";
  EXPECT_THAT(text(), testing::HasSubstr("95th percentile of 32: +0.25."));
}

// Each vector of the pair has its sentence, whichever leads.
TEST(Summary, BothVectorsOfThePairStandBesideTheLeadingOne) {
  Json document = comparison(Json::array({layer(0, 0.8, 0.7, 0.9)}));
  document["primary"] = {{"a", "contrastive@p"}, {"b", "finetuned@p"}};
  document["twin"] = {{"finetuned", "finetuned@p"},
                      {"share_outside", estimate(0.4, 0.05)}};
  auto twin = best("induction", 0.9, true);
  twin["vector"] = "twin@p";
  twin["select_value"] = 1.0;
  auto contrastive = best("induction", 0.5, true);
  contrastive["effect_minus_control"] = estimate(0.4, 0.1);
  auto finetuned = best("induction", 0.2, false);
  finetuned["vector"] = "finetuned@p";
  const auto text = verdict(
      document, {{"best", Json::array({contrastive, finetuned, twin})}});
  EXPECT_THAT(text, testing::HasSubstr("twin@p moves deceptive answers"));
  EXPECT_THAT(text,
              testing::HasSubstr(" contrastive@p: +40 points [+30, +50] beyond "
                                 "random vectors, +50 points [+40, +60] in all "
                                 "(layer 3, +0.5 rel)."));
  EXPECT_THAT(text, testing::HasSubstr(
                        " finetuned@p (40 % of it outside the honest twin's "
                        "direction): +20 points [+10, +30] (layer 3, +0.5 "
                        "rel), not told from random vectors."));
}

TEST(Summary, NamesTheEffectBeyondRandomVectorsAndAnInvalidPlace) {
  Json entry = best("induction", 0.5, true);
  entry["effect_minus_control"] = estimate(0.4, 0.1);
  const auto text = [&] {
    return verdict(Json::object(), {{"best", Json::array({entry})}});
  };
  EXPECT_THAT(text(), testing::HasSubstr("+40 points [+30, +50] beyond random "
                                         "vectors, +50 points"));
  EXPECT_THAT(text(), testing::Not(testing::HasSubstr("act at this place")));
  entry["valid_site"] = false;
  EXPECT_THAT(text(), testing::HasSubstr("void: random vectors act at this "
                                         "place too"));
  EXPECT_THAT(
      summary_text(summarise_study(
          Json::object(), {{"best", Json::array({entry})}}, Json::object())),
      testing::AllOf(testing::HasSubstr("+50 points [+40, +60], +40 "
                                        "points [+30, +50] beyond "
                                        "random"),
                     testing::HasSubstr(": no valid place")));
  // One that works goes before a larger one that does not.
  Json working = best("induction", 0.2, true);
  working["vector"] = "other@p";
  working["works"] = true;
  EXPECT_THAT(
      verdict(Json::object(), {{"best", Json::array({entry, working})}}),
      testing::HasSubstr("other@p moves"));
}

TEST(Summary, SaysNothingOfBreaksWhereNoLadderWasClimbed) {
  const auto text = [](const Json& breaks, const Json& search) {
    return summary_text(summarise_study(
        Json::object(), {{"breaks", breaks}, {"search", search}},
        Json::object()));
  };
  const Json held = Json::array({{{"vector", "contrastive@p"},
                                  {"model", "base"},
                                  {"layers", "3"},
                                  {"first_broken", nullptr}}});
  EXPECT_THAT(text(held, nullptr), testing::HasSubstr("text holds at every"));
  EXPECT_THAT(text(held, {{"kind", "halving"}}),
              testing::Not(testing::HasSubstr("text holds")));
  // No scale in units of the residual norm was run: nothing held.
  EXPECT_THAT(text(Json::array(), nullptr),
              testing::Not(testing::HasSubstr("text holds")));
}

// What was not tried did not fail, and is not said to have.
TEST(Summary, TellsNotTriedFromFailed) {
  const auto sentence = [](std::int64_t candidates, const char* reason) {
    return verdict(Json::object(),
                   {{"best", Json::array({best("induction", 0.5, true),
                                          {{"vector", "contrastive@p"},
                                           {"goal", "suppression"},
                                           {"cell", nullptr},
                                           {"candidates", candidates},
                                           {"reason", reason}}})}});
  };
  EXPECT_THAT(
      sentence(0, "not tried: sweep.operators hold nothing for it"),
      testing::HasSubstr("Whether a vector can serve suppression was not "
                         "tried: sweep.operators"));
  EXPECT_THAT(sentence(40, "no cell left enough unbroken text"),
              testing::HasSubstr("of 40 configurations that were tried: no "
                                 "cell left enough unbroken text"));
  EXPECT_THAT(
      verdict(Json::object(),
              {{"best", Json::array({best("induction", 0.5, true)})}}),
      testing::HasSubstr("suppression was not tried: sweep.models has no "
                         "tuned model"));
}

TEST(Summary, AnEffectWithoutRandomVectorsIsNotSaidToBeBelowThem) {
  auto entry = best("induction", 0.5, false);
  entry["random_vectors"] = {{"n", 0}, {"percentile_95", nullptr}};
  entry["random_effect"] = {{"value", nullptr}};
  const Json sweep = {{"best", Json::array({entry})}};
  EXPECT_THAT(verdict(Json::object(), sweep),
              testing::AllOf(testing::HasSubstr("sweep.best_random = 0"),
                             testing::Not(testing::HasSubstr("more than "
                                                             "random"))));
  EXPECT_THAT(
      summary_text(summarise_study(Json::object(), sweep, Json::object())),
      testing::HasSubstr("random not tried"));
}

TEST(Summary, FitsIntoTwentyFourLines) {
  Json layers = Json::array();
  for (int i = 0; i < 40; ++i) {
    layers.push_back(layer(i, 0.5, 0.4, 0.6));
  }
  Json list = Json::array();
  for (int i = 0; i < 20; ++i) {
    list.push_back(best(i % 2 ? "induction" : "suppression", 0.3, true));
  }
  const Json breaks = Json::array({{{"vector", "contrastive@p"},
                                    {"model", "base"},
                                    {"layers", "3"},
                                    {"first_broken", 1.5}}});
  const std::string text = summary_text(summarise_study(
      comparison(layers), {{"best", list}, {"breaks", breaks}},
      {{"counts", {{"supported", 2}, {"undecided", 3}, {"void", 0}}},
       {"corrected", {{"supported", 1}, {"contradicted", 0}, {"without p", 1}}},
       {"claims", Json::array({{{"id", "A1"},
                                {"decision", "contradicted"},
                                {"role", "finding"},
                                {"effect", {{"value", 0.6}}},
                                {"reason", "agreement without effect; others"}},
                               {{"id", "H12"},
                                {"role", "finding"},
                                {"decision", "undecided"},
                                {"reason", "no room: 3 points were left"}}})}},
      {"organism", true, ""}));
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 27);
  EXPECT_THAT(text, testing::StartsWith("This is a made-up calibration model"));
  EXPECT_THAT(text, testing::HasSubstr("contrastive@p 1.5-1.5"));
  EXPECT_THAT(text, testing::HasSubstr("5 of 20, all in the report"));
  EXPECT_THAT(text, testing::HasSubstr(
                        "Findings: 2 supported, 3 undecided (1 for want of "
                        "room); corrected for testing all of them, 1 supported "
                        "and 0 contradicted remain (1 more has no p to "
                        "correct); agreement without effect.\n"));
  EXPECT_THAT(text, testing::HasSubstr("were not registered before"));
}

// On the negative control an edit of rank 4 moves what adding does not.
TEST(Summary, TheSentenceIsAboutAddingTheDirection) {
  auto learned = best("induction", 0.27, true);
  learned["operator"] = "low_rank";
  learned["group"] = "any";
  auto added = best("induction", 0.0, false);
  added["group"] = "linear";
  added["effect"] = estimate(0.0, 0.05);
  const std::string text = verdict(
      Json::object(),
      {{"best", Json::array({learned})}, {"groups", Json::array({added})}});
  EXPECT_THAT(text, testing::HasSubstr("No vector moves deceptive answers of "
                                       "the base model by 10 points more than "
                                       "random vectors do when it is added"));
  EXPECT_THAT(text, testing::HasSubstr("Other operators reach +27 points"));
  EXPECT_THAT(text, testing::HasSubstr("no evidence for a direction"));
  auto invalid = best("induction", 0.6, true);
  invalid["valid_site"] = false;
  EXPECT_THAT(verdict(Json::object(), {{"best", Json::array({invalid})}}),
              testing::HasSubstr("void: random vectors act at this place too"));
}

// An interval that reaches far shows no absence.
TEST(Summary, WhatCannotBeToldIsNotSaidToBeNothing) {
  auto added = best("induction", 0.22, false);
  added["group"] = "linear";
  added["effect"] = estimate(0.22, 0.3);
  added["effect_minus_control"] = estimate(0.2, 0.3);
  added["reason"] = "its interval reaches 0";
  const Json groups = Json::array({added});
  const auto text =
      verdict(Json::object(), {{"best", Json::array()}, {"groups", groups}});
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("No vector moves")));
  EXPECT_THAT(
      text, testing::HasSubstr("not told from random vectors (first on select: "
                               "contrastive@p, +20 points [-10, +50] beyond "
                               "random vectors, +22 points [-8, +52] in all, "
                               "layer 3, +0.5 rel; its interval reaches 0)"));
}

TEST(Summary, EveryFineTunedDirectionStandsBesideItsTwin) {
  Json document = comparison(Json::array({layer(0, 0.8, 0.7, 0.9)}));
  document["primary"] = {{"a", "contrastive@p"}, {"b", "finetuned@p"}};
  EXPECT_THAT(verdict(document, Json::object()),
              testing::HasSubstr("No control fine-tune was run"));
  EXPECT_THAT(verdict(document, Json::object()),
              testing::HasSubstr("writes is not known"));
  document["twin"] = {{"finetuned", "finetuned@p"},
                      {"share_outside", estimate(0.4, 0.05)}};
  document["control_tunings"] = Json::array(
      {{{"name", "honest"},
        {"by_layer",
         Json::array({{{"layer", 0}, {"finetuned", {{"value", 0.76}}}},
                      {{"layer", 1}, {"finetuned", {{"value", 0.93}}}}})}}});
  EXPECT_THAT(verdict(document, Json::object()),
              testing::HasSubstr(
                  "Control fine-tunes: honest (cosine with the fine-tuned "
                  "direction 0.76 to 0.93)."));
  EXPECT_THAT(
      verdict(document, Json::object()),
      testing::HasSubstr("finetuned@p, 40 % (interval 35 to 45) is not"));
  auto entry = best("induction", 0.6, true);
  entry["vector"] = "finetuned@p";
  const Json steered = {{"best", Json::array({entry})}};
  const auto sentences = summarise_study(document, steered, Json::object());
  EXPECT_THAT(
      sentences["verdict"][2].get<std::string>(),
      testing::HasSubstr("finetuned@p, 40 % (interval 35 to 45) is not"));
  const auto reads = [](const char* vector, double value) {
    return Json{{"vector", vector},
                {"by_layer", Json::array({{{"base", {{"value", value}}}}})}};
  };
  document["detection"] =
      Json::array({reads("contrastive@p", 0.48), reads("finetuned@p", 0.58)});
  EXPECT_THAT(verdict(document, Json::object()),
              testing::HasSubstr("is shown to tell false answers"));
  document["detection"][0] = reads("contrastive@p", 0.9);
  EXPECT_THAT(verdict(document, Json::object()),
              testing::Not(testing::HasSubstr("mode of answering")));
}

TEST(Summary, ReportsNoEffectOfAnUnfitJudge) {
  const Json sweep = {{"judge", {{"name", "self"}, {"fit", false}}},
                      {"best", Json::array({best("induction", 1.0, true)})}};
  const Json summary = summarise_study(Json::object(), sweep, Json::object());
  EXPECT_TRUE(summary.at("best").empty());
  const std::string text = summary_text(summary);
  EXPECT_THAT(text, testing::HasSubstr("The judge self is NOT FIT"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("points")));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("Text ")));
}

TEST(Summary, SaysWhichClaimsAScoreLeavesOpen) {
  const auto claims = [](const char* kind) {
    const Json sweep = {{"judge", {{"kind", kind}}}};
    const Json hypotheses = {{"counts", {{"undecided", 3}}},
                             {"claims", Json::array()}};
    return summary_text(summarise_study(Json::object(), sweep, hypotheses));
  };
  EXPECT_THAT(claims("logprob"), testing::HasSubstr("judge.kind self"));
  EXPECT_THAT(claims("self"), testing::Not(testing::HasSubstr("judge.kind")));
}

// The two tie on select; the cheaper one is named, not the luckier one on test.
TEST(Summary, NamesTheVectorThatLedOnSelect) {
  Json sweep = {{"best", Json::array({best("induction", 1.0, true),
                                      best("induction", 0.9, true)})}};
  for (std::size_t i = 0; i < 2; ++i) {
    sweep["best"][i]["select_value"] = 1.0;
    sweep["best"][i]["divergence"] = {{"p95", i == 0 ? 3.0 : 1.0}};
  }
  sweep["best"][1]["vector"] = "finetuned@p";
  EXPECT_THAT(verdict(Json::object(), sweep),
              testing::HasSubstr("finetuned@p moves deceptive answers of the "
                                 "base model by +90 points"));
  sweep["best"][1]["select_value"] = 0.8;
  EXPECT_THAT(verdict(Json::object(), sweep),
              testing::HasSubstr("contrastive@p moves deceptive answers"));
}

TEST(Summary, AnEffectThatRandomVectorsReachHidesNoSmallerOne) {
  Json sweep = {{"best", Json::array({best("induction", 1.0, false),
                                      best("induction", 0.3, true)})}};
  sweep["best"][1]["vector"] = "finetuned@p";
  EXPECT_THAT(verdict(Json::object(), sweep),
              testing::HasSubstr("finetuned@p moves deceptive answers of the "
                                 "base model by +30 points"));
}

TEST(Summary, AnswersTheSeedStudysQuestions) {
  const auto row = [](const char* id, const char* text, const char* decision) {
    return Json{
        {"id", id},     {"claim", text},        {"role", "finding"},
        {"reason", ""}, {"decision", decision}, {"effect", {{"value", 0.0}}}};
  };
  const Json hypotheses = {
      {"counts", Json::object()},
      {"claims", Json::array({row("H3", "One inert", "supported"),
                              row("H5", "Two honest", "contradicted"),
                              row("H7", "Three", "supported")})}};
  SummaryFacts facts;
  facts.topics = topics_sentence({{"units", {{"all_topics", 24}}}});
  const Json summary =
      summarise_study(comparison(Json::array({layer(0, 0.1, -0.1, 0.3)})),
                      {{"best", Json::array({best("induction", 0.5, true)})}},
                      hypotheses, facts);
  std::string text;
  for (const auto& sentence : summary["verdict"]) {
    text += sentence.get<std::string>() + "\n";
  }
  EXPECT_THAT(text, testing::HasSubstr("By plain addition, \"One inert\": "
                                       "supported; \"Two honest\": "
                                       "contradicted (H3, H5, H6)."));
  EXPECT_THAT(text, testing::HasSubstr("the same 24 topics"));
  EXPECT_EQ(topics_sentence({{"units", {{"all_topics", 0}}}}), "");
}

}  // namespace
}  // namespace veer
