// SPDX-License-Identifier: MIT
#include "veer/study/models/models_document.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace veer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json measure(double value, double half) {
  return {{"value", value},
          {"low", value - half},
          {"high", value + half},
          {"n", 48},
          {"reason", ""}};
}

Json claim(const std::string& id, const std::string& decision, double value) {
  return {{"id", id},
          {"claim", "claim " + id},
          {"statistic", "a share"},
          {"decision", decision},
          {"reason", id == "A1" ? "agreement with effect" : "because"},
          {"unit", "share"},
          {"effect", measure(value, 0.05)}};
}

ModelResult model(const std::string& name, const std::string& decision,
                  double effect) {
  ModelResult result;
  result.name = name;
  result.path = name;
  result.parameters = 1000;
  result.summary = {
      {"answers", Json::array({{{"id", "agreement"}}})},
      {"cosine", Json::array({{{"layer", 0}, {"cosine", 0.1}},
                              {{"layer", 1}, {"cosine", 0.5}}})},
      {"best", Json::array({{{"vector", "contrastive@answer_mean"},
                             {"goal", "induction"},
                             {"measure", "deceptive"},
                             {"effect", measure(effect, 0.1)},
                             {"random_effect", measure(0.0, 0.1)}}})}};
  result.hypotheses = {
      {"counts", {{"supported", 1}}},
      {"claims", Json::array({claim("H3", decision, effect),
                              claim("A1", "supported", effect)})}};
  return result;
}

Json over(const std::vector<std::string>& decisions) {
  std::vector<ModelResult> models;
  for (const auto& decision : decisions) {
    models.push_back(model("m" + std::to_string(models.size()), decision,
                           0.2 * static_cast<double>(models.size())));
  }
  return models_document(models);
}

std::string decision(const std::vector<std::string>& decisions) {
  return over(decisions)["claims"][0]["decision"];
}

TEST(ModelsDocument, DecidesAClaimByModels) {
  const std::string yes = "supported";
  const std::string no = "contradicted";
  EXPECT_EQ(decision({yes, yes, yes}), "undecided");
  EXPECT_EQ(decision({yes, yes, yes, yes}), "supported");
  EXPECT_EQ(decision({no, no, no, no}), "contradicted");
  EXPECT_EQ(decision({yes, yes, yes, no}), "undecided");
  // What a model leaves open is no vote.
  EXPECT_EQ(decision({yes, yes, yes, "undecided"}), "undecided");
  EXPECT_EQ(decision({yes, yes, yes, yes, "void"}), "supported");
}

TEST(ModelsDocument, SetsTheSpreadBetweenModelsBesideTheErrorWithinOne) {
  const Json document = over({"supported", "supported", "contradicted"});
  const Json& means = document["effects"][0]["over_models"];
  EXPECT_NEAR(means["mean"].get<double>(), 0.2, 1e-12);
  EXPECT_NEAR(means["between_spread"].get<double>(), 0.2, 1e-12);
  EXPECT_NEAR(means["within_error"].get<double>(), 0.1 / 1.959964, 1e-6);
  EXPECT_THAT(models_text(document), HasSubstr("sd between 20, error within"));
}

TEST(ModelsDocument, SaysWhereModelsContradictEachOther) {
  EXPECT_THAT(models_text(over({"supported", "contradicted"})),
              HasSubstr("Models contradict each other about H3"));
  EXPECT_THAT(models_text(over({"supported", "supported"})),
              Not(HasSubstr("contradict each other")));
  EXPECT_THAT(models_text(over({"supported", "supported"})),
              HasSubstr("2 models cannot decide"));
}

TEST(ModelsDocument, LeavesOutWhatNoModelMeasured) {
  ModelResult one = model("m", "undecided", 0.1);
  one.hypotheses["claims"][0]["effect"] = {{"value", nullptr},
                                           {"reason", "not measured"}};
  const Json document = models_document({&one, 1});
  ASSERT_EQ(document["claims"].size(), 1U);
  EXPECT_EQ(document["claims"][0]["id"], "A1");
}

const Json* claim_named(const Json& document, const std::string& id) {
  for (const auto& own : document["claims"]) {
    if (own["id"] == id) {
      return &own;
    }
  }
  return nullptr;
}

TEST(ModelsDocument, TrainingSizeCountsTheTunedVectorOfOneModel) {
  std::vector<ModelResult> models;
  double effect = 0.1;
  for (const std::int64_t questions : {20, 20, 60, 60, 180, 180}) {
    auto one = model("r" + std::to_string(models.size()), "supported", 0.99);
    one.path = "organism";
    one.training_questions = questions;
    auto tuned = one.summary["best"][0];
    tuned["vector"] = "finetuned@answer_mean";
    tuned["effect"] = measure(effect, 0.1);
    tuned["beats_random"] = true;
    one.summary["best"].push_back(tuned);
    models.push_back(one);
    effect += 0.15;
  }
  const Json document = models_document(models);
  const Json* claim = claim_named(document, "H13");
  ASSERT_NE(claim, nullptr);
  EXPECT_EQ((*claim)["decision"], "supported");
  EXPECT_EQ((*claim)["over_models"]["n"], 6);
  EXPECT_EQ(document["models"][2]["training_questions"], 60);
  // Of another model there are too few.
  models[4].path = models[5].path = "another";
  EXPECT_EQ(claim_named(models_document(models), "H13"), nullptr);
}

TEST(ModelsDocument, StockAndAbliteratedMeetByQuestion) {
  std::vector<ModelResult> models = {model("stock", "supported", 0.1),
                                     model("free", "supported", 0.1)};
  for (int q = 0; q < 20; ++q) {
    const auto question = "q" + std::to_string(q);
    models[0].prompted[question] = q < 5;
    models[1].prompted[question] = true;
  }
  EXPECT_EQ(claim_named(models_document(models), "H22"), nullptr);
  models[1].stock = "stock";
  const Json document = models_document(models);
  ASSERT_NE(claim_named(document, "H22"), nullptr);
  EXPECT_EQ((*claim_named(document, "H22"))["decision"], "supported");
}

TEST(ModelsDocument, ObjectivesAndBehavioursAreCompared) {
  std::vector<ModelResult> models;
  for (int i = 0; i < 6; ++i) {
    auto one = model("r" + std::to_string(i), "supported", 0.5);
    one.objective = i < 3 ? "" : "dpo";
    one.behaviour = i < 3 ? "" : "sycophancy";
    one.imprint = (i < 3 ? 0.5 : 0.2) + 0.01 * (i % 3);
    one.deceptive = 0.9;
    models.push_back(one);
  }
  const Json document = models_document(models);
  ASSERT_NE(claim_named(document, "H24"), nullptr);
  EXPECT_EQ((*claim_named(document, "H24"))["decision"], "supported");
  // H3 alone is decided in both: alike, and too little to decide.
  ASSERT_NE(claim_named(document, "H26"), nullptr);
  EXPECT_EQ((*claim_named(document, "H26"))["decision"], "undecided");
  models[4].imprint.reset();
  models[5].deceptive.reset();
  EXPECT_EQ(claim_named(models_document(models), "H24"), nullptr);
}

TEST(ModelsDocument, LayersMeetAtTheShareOfTheDepth) {
  const Json rows = over({"supported"})["cosine"];
  EXPECT_EQ(rows[0]["depth"], 0.5);
  EXPECT_EQ(rows[1]["depth"], 1.0);
}

TEST(ModelsDocument, SizeCountsOnlyWhatRandomVectorsDoNotReach) {
  // The effect grows with the size, but random vectors have it too.
  std::vector<ModelResult> models;
  for (int i = 0; i < 4; ++i) {
    models.push_back(model("m" + std::to_string(i), "supported", 0.2 * i));
    models.back().parameters = 1000 * (i + 1) * (i + 1);
    models.back().summary["best"][0]["beats_random"] = i == 0;
  }
  const Json document = models_document(models);
  for (const auto& claim : document["claims"]) {
    if (claim["id"] == "H11") {
      EXPECT_EQ(claim["over_models"]["mean"], 0.0);
      return;
    }
  }
  FAIL() << "no H11";
}

}  // namespace
}  // namespace veer
