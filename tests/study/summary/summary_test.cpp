// SPDX-License-Identifier: MIT
#include "veer/study/summary/summary.h"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/study/summary/doubts.h"

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
          {"beats_random", beats},
          {"works", beats}};
}

// Every answer with its numbers, then the remarks.
std::string said(const Json& summary) {
  std::string text;
  for (const auto& answer : summary.at("answers")) {
    for (const char* part : {"question", "answer"}) {
      text += answer.at(part).get<std::string>() + "\n";
    }
    for (const auto& sentence : answer.at("numbers")) {
      text += sentence.get<std::string>() + "\n";
    }
  }
  for (const auto& remark : summary.at("remarks")) {
    text += remark.get<std::string>() + "\n";
  }
  return text;
}

std::string verdict(const Json& comparison, const Json& sweep) {
  return said(summarise_study(comparison, sweep, Json::object()));
}

// The plain answer to the question with an id.
std::string answer(const std::string& id, const Json& comparison,
                   const Json& sweep) {
  const Json summary = summarise_study(comparison, sweep, Json::object());
  for (const auto& entry : summary.at("answers")) {
    if (entry.at("id") == id) {
      return entry.at("answer");
    }
  }
  return "";
}

TEST(Summary, SaysYesAndNoByTheNumbers) {
  const Json none = Json::object();
  const auto plain = [&](const std::vector<Json>& layers) {
    return answer("agreement", comparison(Json(layers)), none);
  };
  const Json agrees = layer(1, 0.8, 0.7, 0.9);
  const Json open = layer(0, 0.1, -0.1, 0.3);
  EXPECT_EQ(plain({open}), "Not told from chance at any of 1 layers.");
  EXPECT_EQ(plain({open, agrees}), "Yes, at 1 of 2 layers.");
  EXPECT_EQ(plain({agrees}), "Yes, at all 1 layers.");
  // H1 asks for half of them.
  EXPECT_EQ(plain({open, open, agrees}), "In part, at 1 of 3 layers.");
  EXPECT_THAT(verdict(comparison(Json::array({open, agrees})), none),
              testing::HasSubstr("cosine 0.80 to 0.80; at all layers 0.10 at "
                                 "least (contrastive@p, finetuned@p)."));
  // That they do not agree is for the equivalence test to say.
  Json apart = layer(0, 0.01, -0.02, 0.04);
  apart["verdict"] = "orthogonal";
  EXPECT_EQ(plain({apart}), "No: equivalent to no agreement at 1 of 1 layers.");
  Json unknown = layer(0, 0.0, 0.0, 0.0);
  unknown["cosine"] = nullptr;
  // A layer that was not extracted was not asked.
  EXPECT_EQ(plain({unknown, open}), "Not told from chance at any of 1 layers.");
  EXPECT_THAT(plain({unknown}), testing::HasSubstr("cannot be told"));
  EXPECT_EQ(plain({layer(0, -0.8, -0.9, -0.7)}),
            "No: they oppose each other at all 1 layers.");
}

// Of steering too there is a line with yes or no before any number.
TEST(Summary, EachGoalHasAPlainAnswer) {
  const auto plain = [](const std::vector<Json>& entries) {
    return answer("induction", Json::object(), {{"best", Json(entries)}});
  };
  const auto works = best("induction", 0.6, true);
  const auto open = best("induction", 0.6, false);
  auto none = best("induction", 0.0, false);
  none["effect"] = estimate(0.0, 0.05);
  EXPECT_EQ(plain({works, open}), "Yes: 1 of 2 vectors do.");
  EXPECT_EQ(plain({works}), "Yes: the one vector that was tried does.");
  EXPECT_EQ(plain({open, none}), "Not told from what random vectors do.");
  EXPECT_EQ(plain({none, none}),
            "No: none of 2 vectors does by 10 points more than random ones.");
  auto broken = works;
  broken["works"] = false;
  EXPECT_EQ(plain({broken}), "Not shown: too much of the text is broken.");
  broken["valid_site"] = false;
  EXPECT_EQ(plain({broken}), "Void: random vectors act at that place too.");
  broken["random_vectors"] = {{"n", 0}};
  EXPECT_THAT(plain({broken}), testing::HasSubstr("Not shown: no random"));
  auto edited = works;
  edited["operator"] = "low_rank";
  EXPECT_THAT(plain({edited}), testing::HasSubstr("but not by adding: with "
                                                  "low_rank"));
}

TEST(Summary, SaysTheLeadersRankOnTestWithoutChoosingByIt) {
  Json sweep = {{"best",
                 {best("induction", 0.9, true), best("induction", 0.7, true),
                  best("induction", 0.8, true)}}};
  const char* names[] = {"contrastive@p", "twin@p", "finetuned@p"};
  const double on_select[] = {0.8, 1.0, 0.9};
  for (std::size_t i = 0; i < 3; ++i) {
    sweep["best"][i]["vector"] = names[i];
    sweep["best"][i]["select_value"] = on_select[i];
  }
  EXPECT_THAT(
      verdict(Json::object(), sweep),
      testing::HasSubstr("First on select, 3rd of 3 on test: +70 points "
                         "[+60, +80] (twin@p, layer 3, +0.5 rel)."));
  const auto text =
      summary_text(summarise_study(Json::object(), sweep, Json::object()));
  const auto at = [&](const char* row) { return text.find(row); };
  EXPECT_LT(at("  twin@p  "), at("  finetuned@p  "));
  EXPECT_LT(at("  finetuned@p  "), at("  contrastive@p  "));
  EXPECT_THAT(text, testing::ContainsRegex("twin@p .*  3  3, .0.5 rel"));
}

TEST(Summary, AnEffectCountsOnlyBeyondRandomVectors) {
  const Json layers = Json::array({layer(0, 0.8, 0.7, 0.9)});
  EXPECT_THAT(verdict(comparison(layers),
                      {{"best", Json::array({best("induction", 0.6, true)})}}),
              testing::HasSubstr("+60 points [+50, +70] (contrastive@p, layer "
                                 "3, +0.5 rel)"));
  EXPECT_THAT(
      verdict(comparison(layers),
              {{"best", Json::array({best("induction", 0.6, false)})}}),
      testing::HasSubstr("(contrastive@p, layer 3, +0.5 rel).\nNot told from "
                         "random vectors."));
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
              testing::HasSubstr("With 2 confounds projected out of both: "
                                 "cosine -0.10 to 0.40."));
  document["confounds"]["pairs"][0]["confounds"] = Json::array();
  EXPECT_THAT(verdict(document, Json::object()),
              testing::Not(testing::HasSubstr("confounds")));
}

TEST(Summary, WhatRoundsToNothingHasNoMinus) {
  Json nothing = best("induction", 0.3, true);
  nothing["random_effect"] = estimate(-0.001, 0.002);
  EXPECT_THAT(verdict(Json::object(), {{"best", Json::array({nothing})}}),
              testing::HasSubstr("Random vectors in its place: +0 points [+0, "
                                 "+0]."));
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
  EXPECT_THAT(text(),
              testing::HasSubstr("Covariance-matched random vectors in its "
                                 "place: +10 points [+5, +15]."));
  entry["matched_control"]["percentile_95"] = 0.25;
  entry["matched_control"]["vectors"] = 32;
  EXPECT_THAT(text(), testing::HasSubstr("[+5, +15]; 95 % of 32 lie below "
                                         "+25 points."));
  entry["matched_control"]["kind"] = "isotropic";
  EXPECT_THAT(text(), testing::HasSubstr("\nRandom vectors in its place: +10"));
  entry["measure"] = "score";
  EXPECT_THAT(text(), testing::HasSubstr("95 % of 32 lie below +0.25."));
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
  EXPECT_THAT(text, testing::HasSubstr("First on select, 1st of 3 on test: "
                                       "+90 points [+80, +100] (twin@p,"));
  EXPECT_THAT(text,
              testing::HasSubstr("Contrastive direction: +40 points [+30, +50] "
                                 "beyond random vectors, +50 points [+40, +60] "
                                 "in all (contrastive@p, layer 3, +0.5 rel)."));
  EXPECT_THAT(text, testing::HasSubstr(
                        "Fine-tuned direction (40 % outside the honest "
                        "twin's): +20 points [+10, +30] (finetuned@p, layer 3, "
                        "+0.5 rel).\nNot told from random vectors."));
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
  entry["works"] = false;
  entry["reason"] = "random vectors act at this place too";
  EXPECT_THAT(text(), testing::HasSubstr("Void: random vectors act at this "
                                         "place too."));
  EXPECT_THAT(
      summary_text(summarise_study(
          Json::object(), {{"best", Json::array({entry})}}, Json::object())),
      testing::AllOf(testing::HasSubstr("+40 [+30, +50]"),
                     testing::HasSubstr("does not count: random vectors act "
                                        "at this place too")));
  // One that works goes before a larger one that does not.
  Json working = best("induction", 0.2, true);
  working["vector"] = "other@p";
  working["works"] = true;
  EXPECT_THAT(
      verdict(Json::object(), {{"best", Json::array({entry, working})}}),
      testing::HasSubstr("First on select, 2nd of 2 on test: +20 points "
                         "[+10, +30] (other@p"));
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
  EXPECT_THAT(sentence(0, "not tried: sweep.operators hold nothing for it"),
              testing::HasSubstr("It was not tried.\nWhy: not tried: "
                                 "sweep.operators"));
  EXPECT_THAT(sentence(40, "no cell left enough unbroken text"),
              testing::HasSubstr("Of 40 configurations that were tried: no "
                                 "cell left enough unbroken text"));
  EXPECT_THAT(
      verdict(Json::object(),
              {{"best", Json::array({best("induction", 0.5, true)})}}),
      testing::HasSubstr("It was not tried.\nThe setting sweep.models has no "
                         "tuned model."));
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
      testing::HasSubstr("does not count: no random vector beside it"));
}

// A comparison with all that the summary speaks of.
Json full_comparison(int num_layers) {
  Json layers = Json::array();
  for (int i = 0; i < num_layers; ++i) {
    layers.push_back(layer(i, 0.5, i == 0 ? 0.1 : 0.4, 0.6));
  }
  Json document = comparison(layers);
  document["primary"] = {{"a", "contrastive@p"}, {"b", "finetuned@p"}};
  Json other = document["pairs"][0];
  other.update({{"a", "contrastive@q"}, {"b", "finetuned@q"}});
  other.erase("primary");
  document["pairs"].push_back(other);
  document["twin"] = {{"finetuned", "finetuned@p"},
                      {"share_outside", estimate(0.9, 0.05)},
                      {"share_random", estimate(0.95, 0.04)}};
  document["control_tunings"] = Json::array();
  document["detection"] = Json::array();
  const auto one_layer = [](const char* key, double value) {
    return Json::array({{{"layer", 0}, {key, estimate(value, 0.1)}}});
  };
  for (const char* name : {"honest", "shuffled", "unprompted"}) {
    document["control_tunings"].push_back(
        {{"name", name}, {"by_layer", one_layer("finetuned", 0.9)}});
  }
  for (const char* name : {"contrastive@p", "finetuned@p"}) {
    document["detection"].push_back(
        {{"vector", name}, {"by_layer", one_layer("base", 0.5)}});
  }
  return document;
}

// Twenty effects of two goals, hypotheses, and text that breaks.
std::string full_text() {
  Json list = Json::array();
  for (int i = 0; i < 20; ++i) {
    list.push_back(best(i % 2 ? "induction" : "suppression", 0.3, i < 10));
    list.back()["group"] = "linear";
    list.back()["effect_minus_control"] = estimate(0.25, 0.1);
    list.back()["vector"] = i < 2   ? "twin@p"
                            : i < 4 ? "contrastive@p"
                            : i < 6 ? "finetuned@p"
                                    : "vector" + std::to_string(i) + "@p";
  }
  const Json breaks = Json::array({{{"vector", "contrastive@p"},
                                    {"model", "base"},
                                    {"layers", "3"},
                                    {"first_broken", 1.5}}});
  Json learned = list[1];
  learned["group"] = "any";
  learned["operator"] = "low_rank";
  learned["effect"] = estimate(0.9, 0.1);
  return summary_text(summarise_study(
      full_comparison(40),
      {{"best", Json::array({learned})}, {"groups", list}, {"breaks", breaks}},
      {{"counts", {{"supported", 2}, {"undecided", 3}, {"void", 0}}},
       {"corrected", {{"supported", 1}, {"contradicted", 0}, {"without p", 1}}},
       {"claims", Json::array({{{"id", "A1"},
                                {"decision", "contradicted"},
                                {"role", "finding"},
                                {"effect", {{"value", 0.6}}},
                                {"reason", "agreement without effect; others"}},
                               {{"id", "H3"},
                                {"role", "finding"},
                                {"decision", "contradicted"},
                                {"effect", {{"value", 0.6}}},
                                {"reason", ""}},
                               {{"id", "H12"},
                                {"role", "finding"},
                                {"decision", "undecided"},
                                {"reason", "no room: 3 points were left"}}})}},
      {"organism", true, "",
       topics_sentence({{"units", {{"all_topics", 9}}}})}));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

// Longest run of words between two full stops.
std::int64_t longest_sentence(const std::string& line) {
  std::int64_t longest = 0;
  std::int64_t words = 0;
  std::istringstream in(line);
  for (std::string word; in >> word;) {
    longest = std::max(longest, ++words);
    words = word.ends_with('.') || word.ends_with(':') ? 0 : words;
  }
  return longest;
}

TEST(Summary, TheFirstScreenHoldsEveryQuestionWithItsAnswer) {
  const auto lines = lines_of(full_text());
  // The note on the model is one paragraph of 4 lines.
  ASSERT_GE(lines.size(), 10u);
  EXPECT_THAT(lines[0],
              testing::StartsWith("This is a made-up calibration model"));
  for (std::size_t i = 2; i < 10; i += 2) {
    EXPECT_THAT(lines[i], testing::EndsWith("?"));
    EXPECT_THAT(lines[i + 1], testing::ContainsRegex("^  [A-Z].*[.]$"));
    EXPECT_LE(lines[i + 1].size(), 152u) << lines[i + 1];
  }
  EXPECT_EQ(lines[3], "  Yes, at 39 of 40 layers.");
  EXPECT_EQ(lines[5], "  Yes: 5 of 10 vectors do.");
  EXPECT_EQ(lines[10], "");
}

TEST(Summary, ParagraphsAreShortAndTablesFitTheTerminal) {
  for (const auto& line : lines_of(full_text())) {
    const bool is_table = line.find("   ") != std::string::npos;
    EXPECT_LE(line.size(), is_table ? 80u : 4u * 76u) << line;
    EXPECT_LE(is_table ? 0 : longest_sentence(line), 30) << line;
  }
}

TEST(Summary, TheTableShowsTheFirstOfEachGoalAndHowManyAreLeft) {
  const auto text = full_text();
  EXPECT_THAT(text, testing::HasSubstr("contrastive@p 1.5-1.5"));
  EXPECT_THAT(text, testing::HasSubstr("4 more did less on select; the report "
                                       "has all."));
  EXPECT_THAT(text, testing::HasSubstr("vector8@p "));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("vector19@p")));
  EXPECT_THAT(text, testing::HasSubstr("; it does (H3))."));
  EXPECT_THAT(text, testing::HasSubstr(
                        "Findings: 2 supported, 3 undecided (1 for want of "
                        "room). Corrected for testing all of them, 1 supported "
                        "and 0 contradicted remain (1 more has no p to "
                        "correct). Agreement without effect.\n"));
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
  EXPECT_THAT(text, testing::HasSubstr("No: the one vector that was tried does "
                                       "not by 10 points more than random "
                                       "ones."));
  EXPECT_THAT(text, testing::HasSubstr("Other operators reach +27 points"));
  EXPECT_THAT(text, testing::HasSubstr("no evidence for a direction"));
  auto invalid = best("induction", 0.6, true);
  invalid["valid_site"] = false;
  invalid["works"] = false;
  EXPECT_THAT(verdict(Json::object(), {{"best", Json::array({invalid})}}),
              testing::HasSubstr("Void: random vectors act at this place too"));
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
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("No: ")));
  EXPECT_THAT(
      text, testing::HasSubstr("The one vector tried: +20 points [-10, +50] "
                               "beyond random vectors, +22 points [-8, +52] in "
                               "all (contrastive@p, layer 3, +0.5 rel).\nNot "
                               "told from random vectors: its interval reaches "
                               "0."));
}

TEST(Summary, EveryFineTunedDirectionStandsBesideItsTwin) {
  Json document = comparison(Json::array({layer(0, 0.8, 0.7, 0.9)}));
  document["primary"] = {{"a", "contrastive@p"}, {"b", "finetuned@p"}};
  EXPECT_THAT(verdict(document, Json::object()),
              testing::HasSubstr("No control fine-tune was run"));
  EXPECT_THAT(verdict(document, Json::object()),
              testing::HasSubstr("Not known: how much of it"));
  document["twin"] = {{"finetuned", "finetuned@p"},
                      {"share_outside", estimate(0.4, 0.05)}};
  document["control_tunings"] = Json::array(
      {{{"name", "honest"},
        {"by_layer",
         Json::array({{{"layer", 0}, {"finetuned", {{"value", 0.76}}}},
                      {{"layer", 1}, {"finetuned", {{"value", 0.93}}}}})}}});
  EXPECT_THAT(verdict(document, Json::object()),
              testing::HasSubstr(
                  "Tuning on honest answers of the same questions writes "
                  "nearly the same direction: cosine 0.76 to 0.93 over layers "
                  "(honest). So the direction is what tuning on such answers "
                  "writes, deceptive or not."));
  EXPECT_EQ(answer("tuning", document, Json::object()),
            "Mostly what tuning on honest answers writes too.");
  EXPECT_THAT(verdict(document, Json::object()),
              testing::HasSubstr("Of its squared length 40 % [35, 45] lies "
                                 "outside the honest twin's direction "
                                 "(finetuned@p)."));
  auto entry = best("induction", 0.6, true);
  entry["vector"] = "finetuned@p";
  const Json steered = {{"best", Json::array({entry})}};
  EXPECT_THAT(verdict(document, steered),
              testing::HasSubstr("The one vector tried (40 % outside the "
                                 "honest twin's): +60 points"));
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
              testing::HasSubstr("AUROC over layers contrastive@p 0.90"));
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
  EXPECT_THAT(
      verdict(Json::object(), sweep),
      testing::HasSubstr("First on select, 2nd of 2 on test: +90 points "
                         "[+80, +100] (finetuned@p"));
  sweep["best"][1]["select_value"] = 0.8;
  EXPECT_THAT(verdict(Json::object(), sweep),
              testing::HasSubstr("First on select, 1st of 2 on test: +100 "
                                 "points [+90, +110] (contrastive@p"));
}

TEST(Summary, AnEffectThatRandomVectorsReachHidesNoSmallerOne) {
  Json sweep = {{"best", Json::array({best("induction", 1.0, false),
                                      best("induction", 0.3, true)})}};
  sweep["best"][1]["vector"] = "finetuned@p";
  EXPECT_THAT(
      verdict(Json::object(), sweep),
      testing::HasSubstr("First on select, 2nd of 2 on test: +30 points "
                         "[+20, +40] (finetuned@p"));
}

TEST(Summary, TheClaimStandsBesideItsVector) {
  const auto row = [](const char* id, const char* decision) {
    return Json{{"id", id},
                {"role", "finding"},
                {"reason", ""},
                {"decision", decision},
                {"effect", {{"value", 0.0}}}};
  };
  const Json hypotheses = {
      {"counts", Json::object()},
      {"claims",
       Json::array({row("H3", "supported"), row("H5", "contradicted"),
                    row("H7", "supported"), row("H1", "undecided")})}};
  Json document = comparison(Json::array({layer(0, 0.1, -0.1, 0.3)}));
  document["primary"] = {{"a", "contrastive@p"}, {"b", "finetuned@p"}};
  auto subtracted = best("suppression", 0.5, true);
  subtracted["vector"] = "finetuned@p";
  SummaryFacts facts;
  facts.topics = topics_sentence({{"units", {{"all_topics", 24}}}});
  const auto text = said(summarise_study(
      document,
      {{"best", Json::array({best("induction", 0.5, true), subtracted})}},
      hypotheses, facts));
  EXPECT_THAT(text, testing::HasSubstr("(contrastive@p, layer 3, +0.5 rel; "
                                       "it does not (H3))."));
  EXPECT_THAT(text, testing::HasSubstr("claim H5 contradicted)."));
  EXPECT_THAT(text, testing::HasSubstr("claim H1 undecided)."));
  EXPECT_THAT(text, testing::HasSubstr("the same 24 topics"));
  EXPECT_EQ(topics_sentence({{"units", {{"all_topics", 0}}}}), "");
}

}  // namespace
}  // namespace veer
