// SPDX-License-Identifier: MIT
#include "veer/study/models_document.h"

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
      {"verdict", Json::array({"a sentence"})},
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
