// SPDX-License-Identifier: MIT
#include "veer/study/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/vectors/compare.h"

namespace veer {
namespace {

constexpr const char* kC = "contrastive@p";
constexpr const char* kF = "finetuned@p";

Json layer(const std::string& verdict) {
  PairAtLayer at;
  at.verdict = verdict;
  const double cosine = verdict == "align" ? 0.6 : 0.0;
  at.cosine.value = cosine;
  at.cosine.low = at.band_low = cosine - 0.05;
  at.cosine.high = at.band_high = cosine + 0.05;
  at.cosine.n = 40;
  at.covariance = CovarianceNull();
  at.covariance->p = verdict == "align" ? 0.001 : 0.7;
  at.equivalence_p = verdict == "align" ? 1.0 : 0.001;
  Comparison out;
  out.num_layers = 1;
  for (const char* name : {kC, kF}) {
    VectorAtLayer vector;
    vector.existence_adjusted_p = 0.001;
    vector.relative_norm = 0.4;
    out.vectors.push_back({name, 40, "", {vector}});
  }
  out.pairs = {{kC, kF, 40, 40, {at}}};
  return {{"full", comparison_json(out)}};
}

constexpr std::int64_t kQuestions = 40;

// A sweep of one layer whose chosen cells do all or nothing; the tuned model
// deceives.
class SmallSweep {
 public:
  SmallSweep() {
    sweep_ = {{"judge", {{"kind", "exact"}}},
              {"cells", Json::array()},
              {"best", Json::array()},
              {"groups", Json::array()}};
    add_cell("", "none", "base", 0.0, "honest");
    add_cell("", "none", "tuned", 0.0, "deceptive");
  }

  std::int64_t add_cell(const std::string& vector, const char* operation,
                        const char* model, double scale, const char* label) {
    const auto id = static_cast<std::int64_t>(sweep_["cells"].size());
    sweep_["cells"].push_back({{"id", id},
                               {"vector", vector},
                               {"operator", operation},
                               {"unit", vector.empty() ? "" : "rel"},
                               {"scale", scale},
                               {"layers", vector.empty() ? "" : "0"},
                               {"layer", 0},
                               {"model", model},
                               {"split", "test"},
                               {"coherent", {{"value", 1.0}}}});
    for (std::int64_t q = 0; q < kQuestions; ++q) {
      AnswerRow row;
      row.cell = id;
      row.question = q;
      row.label = label;
      answers_.push_back(row);
    }
    return id;
  }

  void add_best(const std::string& vector, const char* goal, double effect,
                std::int64_t cell) {
    sweep_["best"].push_back(
        {{"vector", vector},
         {"goal", goal},
         {"cell", cell},
         {"model", std::string(goal) == "induction" ? "base" : "tuned"},
         {"operator", "add"},
         {"layers", "0"},
         {"effect",
          {{"value", effect}, {"low", effect}, {"high", effect}, {"n", 40}}},
         {"random_effect", {{"value", 0.0}, {"low", 0.0}, {"high", 0.02}}},
         {"coherent", {{"value", 1.0}}}});
    sweep_["groups"].push_back(sweep_["best"].back());
    sweep_["groups"].back()["group"] = "linear";
  }

  const Json& sweep() const { return sweep_; }
  const std::vector<AnswerRow>& answers() const { return answers_; }

 private:
  Json sweep_;
  std::vector<AnswerRow> answers_;
};

SmallSweep sweep_with(const char* contrastive, const char* finetuned) {
  SmallSweep sweep;
  const auto effect = [](const char* label) {
    return std::string(label) == "deceptive" ? 1.0 : 0.0;
  };
  for (const auto& [name, label] :
       {std::pair{kC, contrastive}, std::pair{kF, finetuned}}) {
    const auto id = sweep.add_cell(name, "add", "base", 1.0, label);
    sweep.add_best(name, "induction", effect(label), id);
    const auto down = sweep.add_cell(name, "subtract", "tuned", 1.0, "honest");
    sweep.add_best(name, "suppression", 1.0, down);
  }
  return sweep;
}

HypothesisResult claim(const Json& comparison, const SmallSweep& sweep,
                       const std::string& id) {
  for (auto& result :
       evaluate_claims(comparison, sweep.sweep(), sweep.answers(), 1)) {
    if (result.id == id) {
      return result;
    }
  }
  return {};
}

TEST(Claims, NameAgreementWithoutEffectAndEffectWithoutAgreement) {
  const auto inert = sweep_with("honest", "honest");
  EXPECT_EQ(claim(layer("align"), inert, "H4").decision, Decision::kSupported);
  EXPECT_EQ(claim(layer("align"), inert, "A1").reason,
            "agreement without effect at layer 0");
  const auto strong = sweep_with("deceptive", "honest");
  EXPECT_EQ(claim(layer("orthogonal"), strong, "A1").reason,
            "effect without agreement at layer 0");
  EXPECT_EQ(claim(layer("align"), strong, "A1").reason,
            "agreement with effect at layer 0");
}

TEST(Claims, WorksMeansMoreThanThePercentileOfEitherKindOfRandomVector) {
  const auto small = sweep_with("deceptive", "deceptive");
  const auto decision_of_h4 = [&](const char* kind, const Json& percentile) {
    Json sweep = small.sweep();
    for (auto& entry : sweep["best"]) {
      entry[kind] = {{"n", 64}, {"percentile_95", percentile}};
    }
    for (const auto& result :
         evaluate_claims(layer("align"), sweep, small.answers(), 1)) {
      if (result.id == "H4") {
        return result.decision;
      }
    }
    return Decision::kVoid;
  };
  for (const char* kind : {"random_vectors", "covariance_vectors"}) {
    EXPECT_EQ(decision_of_h4(kind, 0.5), Decision::kContradicted);
    EXPECT_EQ(decision_of_h4(kind, 1.0), Decision::kUndecided);
    EXPECT_EQ(decision_of_h4(kind, nullptr), Decision::kContradicted);
  }
}

TEST(Claims, PairedRowsComeFromTheAnswers) {
  const auto sweep = sweep_with("deceptive", "honest");
  const auto gap = claim(layer("align"), sweep, "H23");
  EXPECT_EQ(gap.decision, Decision::kSupported);
  EXPECT_DOUBLE_EQ(*gap.effect.value, 1.0);
  EXPECT_EQ(gap.effect.n, kQuestions);
  EXPECT_LT(*gap.effect.low, 1.0);  // all moved, of a few questions
  const auto differ = claim(layer("align"), sweep, "H2");
  EXPECT_EQ(differ.decision, Decision::kSupported);
  EXPECT_DOUBLE_EQ(*differ.effect.value, 1.0);
  // The tuned vector closes the whole gap downwards and none upwards.
  const auto easier = claim(layer("align"), sweep, "H7");
  EXPECT_DOUBLE_EQ(*easier.effect.value, 1.0);
  EXPECT_EQ(easier.decision, Decision::kSupported);
}

TEST(Claims, NormalisationIsToldFromPlainAdditionAtTheSamePlace) {
  auto sweep = sweep_with("deceptive", "honest");
  EXPECT_FALSE(claim(layer("align"), sweep, "H18").effect.established());
  sweep.add_cell(kC, "add_keep_norm", "base", 1.0, "honest");
  const auto matters = claim(layer("align"), sweep, "H18");
  EXPECT_DOUBLE_EQ(*matters.effect.value, -1.0);
  EXPECT_GT(*matters.effect.high, -1.0);  // all of 40, not all there are
  EXPECT_EQ(matters.decision, Decision::kSupported);
  // At another scale there is nothing to compare it with.
  auto elsewhere = sweep_with("deceptive", "honest");
  elsewhere.add_cell(kC, "add_keep_norm", "base", 2.0, "honest");
  EXPECT_FALSE(claim(layer("align"), elsewhere, "H18").effect.established());
}

TEST(Claims, SayWhatIsMissing) {
  const SmallSweep empty;
  const Json none = Json::object();
  const auto claims = evaluate_claims(layer("align"), none, {}, 1);
  for (const auto& result : claims) {
    EXPECT_FALSE(result.reason.empty()) << result.id;
    EXPECT_FALSE(result.sharpen.empty()) << result.id;
    if (result.id == "H3") {
      EXPECT_THAT(result.reason, testing::HasSubstr("sweep has not run"));
    }
  }
  Json scores = empty.sweep();
  scores["judge"]["kind"] = "logprob";
  const auto graded = evaluate_claims(none, scores, empty.answers(), 1);
  for (const auto& result : graded) {
    EXPECT_EQ(result.decision, Decision::kUndecided) << result.id;
  }
  const Json counts = claims_json(graded).at("counts");
  EXPECT_GT(counts.at("not measured").get<int>(), 20);
  EXPECT_EQ(counts.at("supported"), 0);
}

TEST(Claims, LabelsOfAJudgeThatReadsCountIfItIsFit) {
  const auto sweep = sweep_with("deceptive", "honest");
  const auto decision = [&](const Json& judge, const std::string& id) {
    Json document = sweep.sweep();
    document["judge"] = judge;
    for (const auto& result :
         evaluate_claims(layer("align"), document, sweep.answers(), 1)) {
      if (result.id == id) {
        return result;
      }
    }
    return HypothesisResult{};
  };
  for (const char* kind : {"self", "choice", "endpoint"}) {
    EXPECT_EQ(decision({{"kind", kind}, {"fit", true}}, "H2").decision,
              Decision::kSupported);
    const auto unfit = decision({{"kind", kind}, {"fit", false}}, "H2");
    EXPECT_EQ(unfit.decision, Decision::kUndecided);
    EXPECT_THAT(unfit.reason,
                testing::HasSubstr(std::string(kind) + " is not fit"));
  }
}

}  // namespace
}  // namespace veer
