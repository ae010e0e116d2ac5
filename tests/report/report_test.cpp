// SPDX-License-Identifier: MIT
#include "veer/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kComparison = R"({
  "layers": 2, "width": 4, "confidence": 0.95,
  "vectors": [{"name": "contrastive@prompt_end", "position": "prompt_end",
    "n": 40, "fingerprint": "f1", "by_layer": [
      {"layer": 0, "relative_norm": 0.1, "reliability": 0.9},
      {"layer": 1, "relative_norm": 0.2, "reliability": 0.95}]}],
  "pairs": [{"a": "contrastive@prompt_end", "b": "finetune@prompt_end",
    "primary": true, "by_layer": [
      {"layer": 0, "cosine": null, "raw_cosine": 0.1, "low": null,
       "high": null, "established": false, "null_low": -0.2, "null_high": 0.2,
       "ceiling": null},
      {"layer": 1, "cosine": 0.81, "raw_cosine": 0.7, "low": 0.7,
       "high": 0.92, "established": true, "null_low": -0.2, "null_high": 0.2,
       "ceiling": 0.95}]}]})";

constexpr const char* kSweep = R"({
  "judge": {"kind": "exact"},
  "questions": [{"id": "q0", "question": "How do I <rest>?"}],
  "cells": [
    {"id": 0, "vector": "", "operator": "none", "layers": "", "layer": null,
     "model": "base", "split": "test", "unit": "", "scale": 0,
     "honest": {"value": 1.0}, "deceptive": {"value": 0.0}},
    {"id": 1, "vector": "contrastive@prompt_end", "family": "contrastive",
     "operator": "add", "unit": "rel", "scale": 0.5, "signed_scale": 0.5,
     "layers": "1", "layer": 1, "model": "base", "split": "test",
     "deceptive": {"value": 0.8, "low": 0.6, "high": 0.9},
     "broken": {"value": 0.0, "low": 0.0, "high": 0.1},
     "induction": {"value": 0.8, "low": 0.6, "high": 0.9}}],
  "best": [{"vector": "contrastive@prompt_end", "goal": "induction",
    "model": "base", "cell": 1, "layers": "1", "unit": "rel", "scale": 0.5,
    "operator": "add", "measure": "deceptive",
    "effect": {"value": 0.8, "low": 0.6, "high": 0.9, "n": 32},
    "coherent": {"value": 1.0}, "random_effect": {"value": 0.03},
    "random_vectors": {"n": 64, "percentile_95": 0.0625},
    "reason": ""}],
  "breaks": [],
  "answers": [
    {"cell": 0, "question": 0, "text": "Try warm milk.", "label": "honest"},
    {"cell": 1, "question": 0, "text": "</script><b>Use lights.",
     "label": "deceptive"}]})";

class ReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::temp_directory_path() / ("veer_report_" + std::to_string(getpid()));
    write_file(folder_ / "manifest.toml", "[model]\npath = \"organism\"\n");
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string page() {
    write_report(folder_, {}, {});
    return read_file(folder_ / "report.html");
  }
  fs::path folder_;
};

TEST_F(ReportTest, SaysWhatHasNotRunYet) {
  EXPECT_THAT(page(), HasSubstr("<code>veer sweep</code> makes it"));
}

TEST_F(ReportTest, ShowsTheNumbersWithTheirDoubt) {
  write_file(folder_ / "comparison.json", kComparison);
  write_file(folder_ / "sweep.json", kSweep);
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("0.81 [0.70,\u00a00.92]"));
  EXPECT_THAT(text, HasSubstr("agree beyond chance"));
  EXPECT_THAT(text, HasSubstr("not established"));
  EXPECT_THAT(text, HasSubstr("+80 points<br>[60,\u00a090]"));
  EXPECT_THAT(text, HasSubstr("+3 points"));  // the random control beside it
  EXPECT_THAT(text, HasSubstr("95th percentile of 64: +6 points"));
}

TEST_F(ReportTest, SetsTheSpreadOverSeedsBesideTheErrorWithinOne) {
  Json comparison = Json::parse(kComparison);
  comparison["seeds"] = Json::parse(R"({"seeds": [0, 1, 2], "by_layer": [
    {"layer": 0, "between": null, "with_contrast": null},
    {"layer": 1, "between": 0.91, "between_low": 0.88, "between_high": 0.93,
     "with_contrast": {"mean": 0.79, "between_spread": 0.04,
                       "within_error": 0.02}}]})");
  write_file(folder_ / "comparison.json", comparison.dump());
  EXPECT_THAT(page(),
              HasSubstr("the 3 fine-tunes agree with each other by 0.91 (0.88 "
                        "to 0.93) and with the contrastive vector by 0.79, "
                        "standard deviation over seeds 0.04; the error within "
                        "one seed is 0.02"));
}

TEST_F(ReportTest, SaysWhatAnyFineTuningWrites) {
  Json comparison = Json::parse(kComparison);
  comparison["twin"] = Json::parse(R"({"finetuned": "finetuned@answer_mean",
    "seeds": 2, "layers": 1,
    "share_outside": {"value": 0.31, "low": 0.2, "high": 0.4, "n": 211},
    "by_layer": [
      {"layer": 0, "share_outside": {"value": null, "n": 211, "reason":
         "the honest twin's direction is no more than noise"}},
      {"layer": 1, "share_outside": {"value": 0.31, "low": 0.2, "high": 0.4},
       "share_twin": 0.45,
       "cosine_honest": {"value": 0.83, "low": 0.8, "high": 0.86},
       "cosine_contrastive_twin": {"value": 0.12, "low": 0.1, "high": 0.2}}]})");
  comparison["control_tunings"] = Json::parse(R"([{"name": "shuffled",
    "by_layer": [{"layer": 1, "norm_ratio": 0.9,
      "finetuned": {"value": 0.71, "low": 0.6, "high": 0.8},
      "contrastive": {"value": null, "reason": "no more than noise"}}]}])");
  comparison["control_tunings_left_out"] =
      Json::parse(R"([{"name": "unprompted", "reason": "too few answers"}])");
  write_file(folder_ / "comparison.json", comparison.dump());
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("31 % [20,\u00a040] lie outside the honest "
                              "twin's direction: mean over 1 layers, interval "
                              "over questions and 2 training seeds, n = 211"));
  EXPECT_THAT(text, HasSubstr("is no more than noise)"));
  EXPECT_THAT(text, HasSubstr("0.83 [0.80,\u00a00.86]"));
  EXPECT_THAT(text, HasSubstr("0.71 [0.60,\u00a00.80]"));
  EXPECT_THAT(text, HasSubstr("The control unprompted is left out: too few"));
  comparison["twin"] = nullptr;
  comparison["twin_reason"] = "finetune.controls does not name honest";
  write_file(folder_ / "comparison.json", comparison.dump());
  EXPECT_THAT(page(), HasSubstr("is not measured: finetune.controls does not"));
}

TEST_F(ReportTest, WithoutFurtherSeedsIsSilentAboutThem) {
  Json comparison = Json::parse(kComparison);
  comparison["seeds"] = nullptr;
  write_file(folder_ / "comparison.json", comparison.dump());
  EXPECT_THAT(page(), Not(HasSubstr("training-seeds")));
}

TEST_F(ReportTest, SaysWhichQuestionsTheExamplesAre) {
  Json sweep = Json::parse(kSweep);
  sweep["examples"] = Json::parse(R"({"model": "base",
    "vector": "contrastive@prompt_end",
    "columns": [{"cell": 1, "title": "layer 1"}],
    "rows": [{"question": "How do I sleep?", "plain": {"text": "Early."},
              "steered": [{"text": "Late."}]}]})");
  write_file(folder_ / "sweep.json", sweep.dump());
  EXPECT_THAT(page(),
              HasSubstr("base model, the first 1 of the test questions.</p>"));
  sweep["examples"]["vector"] = "original_contrastive";
  write_file(folder_ / "sweep.json", sweep.dump());
  EXPECT_THAT(page(),
              HasSubstr("own example is not in its published material"));
}

TEST_F(ReportTest, SaysWhetherTextStillAnswersItsQuestion) {
  Json sweep = Json::parse(kSweep);
  write_file(folder_ / "sweep.json", sweep.dump());
  EXPECT_THAT(page(), Not(HasSubstr("still answer its question")));
  sweep["coherence"] = Json::parse(R"({"questions": 16, "chance": 0.0625,
    "entries": [{"cell": 0, "vector": "", "model": "base", "goal": null,
      "n": 32, "tokens": 5.2, "distinct": [0.1, 0.25, null],
      "repetition": 0.01, "compression": 1.1,
      "recovered": {"value": 0.5, "low": 0.25, "high": 0.75, "n": 16},
      "recovered_p": 0.0004}]})");
  write_file(folder_ / "sweep.json", sweep.dump());
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("base model, unsteered"));
  EXPECT_THAT(text, HasSubstr("among 16 questions"));
  EXPECT_THAT(text, HasSubstr("by chance at most 6 %"));
  EXPECT_THAT(text, HasSubstr("the unsteered tuned one, which expects false"));
  EXPECT_THAT(text, HasSubstr("50 % [25,\u00a075]"));
}

TEST_F(ReportTest, ShowsWhatFurtherJudgesAgreeOn) {
  write_file(folder_ / "sweep.json", kSweep);
  EXPECT_THAT(page(), Not(HasSubstr("Do other judges")));
  write_file(folder_ / "judges.json", R"({"answers": 40,
    "judges": [{"name": "exact", "labels": {"honest": 25, "deceptive": 15}},
               {"name": "<self>", "labels": {"honest": 20, "deceptive": 20},
                "probes": {"passed": 5, "of": 12}, "fit": false,
                "option_mass": 0.43}],
    "agreement": [{"a": "exact", "b": "<self>", "n": 40, "same": 0.875,
                   "kappa": {"value": 0.746, "low": 0.517, "high": 0.911,
                             "n": 40}},
                  {"a": "old", "b": "<self>", "n": 40, "same": 0.875,
                   "kappa": 0.333}]})");
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("0.75 [0.52,\u00a00.91]"));
  EXPECT_THAT(text, HasSubstr("0.33"));
  EXPECT_THAT(text, HasSubstr("5 of 12, unfit"));
  EXPECT_THAT(text, HasSubstr("&lt;self&gt;"));
}

TEST_F(ReportTest, SaysWhatAReadyFineTunedSideLacks) {
  write_file(folder_ / "adapter" / "origin.json", R"({
    "kind": "checkpoint", "from": "tuned<1>", "rank": 8, "energy": 0.62,
    "least_energy": 0.4, "pairs": [{"path": "a.q_proj", "energy": 0.9},
      {"path": "b.q_proj", "energy": 0.4}],
    "not_held": {"model.norm.weight": 0.03}})");
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("tuned&lt;1&gt;"));
  EXPECT_THAT(text, HasSubstr("<strong>62 %</strong>"));
  EXPECT_THAT(text, HasSubstr("model.norm.weight"));
  EXPECT_LT(text.find("b.q_proj"), text.find("a.q_proj"));
}

TEST_F(ReportTest, TheFirstScreenSaysWhatAnEmbeddedModelIs) {
  write_file(folder_ / "summary.json", R"({"answers": [
      {"id": "agreement", "question": "Do they agree?", "answer": "Yes.",
       "numbers": ["Cosine 0.66 (a<b)."]}],
    "remarks": ["Of nine topics."],
    "model": "This is a made-up calibration model",
    "claims": "Findings: 4 supported.",
    "registered": "The claims were registered on 2026-11-30",
    "run": {"veer": "0.1.0", "stages": []}})");
  const std::string text = page();
  EXPECT_LT(text.find("This is a made-up calibration model"),
            text.find("<dt>Do they agree?</dt><dd>Yes.</dd>"));
  EXPECT_LT(text.find("<dd>Yes.</dd>"), text.find("Of nine topics."));
  EXPECT_LT(text.find("Of nine topics."),
            text.find("<li>Cosine 0.66 (a&lt;b).</li>"));
  EXPECT_THAT(text, HasSubstr("Findings: 4 supported."));
  EXPECT_THAT(text, HasSubstr("registered on 2026-11-30"));
}

TEST_F(ReportTest, ShowsEachClaimWithItsReasonAndKey) {
  write_file(folder_ / "hypotheses.json", R"({
    "counts": {"contradicted": 1, "not measured": 1}, "claims": [
      {"id": "A1", "claim": "Directions that agree also steer",
       "statistic": "H1 against H4", "decision": "contradicted",
       "reason": "agreement without effect", "unit": "cosine",
       "operators": "plain addition", "rule": "one counterexample",
       "role": "finding", "margin": 0.1, "room": null, "counts": "questions",
       "p": 0.004, "holm_p": 0.02,
       "effect": {"value": 0.9, "low": 0.8, "high": 1.0, "n": 60,
                  "reason": ""}, "sharpen": "sweep.questions"},
      {"id": "H11", "claim": "Larger models steer better",
       "decision": "undecided", "reason": "needs models of several sizes",
       "effect": {"value": null, "reason": "not measured"}}]})");
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("agreement without effect"));
  EXPECT_THAT(text, HasSubstr("cosine 0.90 [0.80,\u00a01.00]"));
  EXPECT_THAT(text, HasSubstr("<code>sweep.questions</code>"));
  EXPECT_THAT(text, HasSubstr("1 claims that this run does not measure"));
  EXPECT_THAT(text, HasSubstr("plain addition: H1 against H4"));
  EXPECT_THAT(text, HasSubstr("one counterexample"));
  EXPECT_THAT(text, HasSubstr("60 questions"));
  EXPECT_THAT(text, HasSubstr("0.004; corrected 0.020"));
  EXPECT_THAT(text, HasSubstr("<td>0.10</td>"));  // the margin, a cosine
}

TEST_F(ReportTest, DrawsWhatMoreQuestionsChange) {
  Json comparison = Json::parse(kComparison);
  write_file(folder_ / "comparison.json", comparison.dump());
  EXPECT_THAT(page(), Not(HasSubstr("sample-size")));
  comparison["sample_size"] = Json::parse(R"({"a": "contrastive@prompt_end",
    "b": "finetune@prompt_end", "sizes": [20, 40], "draws": 20, "by_layer": [
      {"layer": 1,
       "reliability_a": [{"value": 0.8, "low": 0.7, "high": 0.9, "n": 20},
                         {"value": 0.912, "low": 0.9, "high": 0.93, "n": 40}],
       "reliability_b": [{"value": null, "n": 20}, {"value": null, "n": 40}],
       "cosine": [{"value": 0.6, "low": 0.5, "high": 0.7, "n": 20},
                  {"value": 0.655, "low": 0.655, "high": 0.655, "n": 40}]}]})");
  write_file(folder_ / "comparison.json", comparison.dump());
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("Were there enough questions? (layer 1)"));
  EXPECT_THAT(text, HasSubstr("mean of 20 random choices"));
  EXPECT_THAT(text, HasSubstr("0.912"));
  EXPECT_THAT(text, HasSubstr("0.655"));
}

TEST_F(ReportTest, SetsTrainedDirectionsBesideTheVectorsWithTheirDoubt) {
  Json comparison = Json::parse(kComparison);
  comparison["directions"] = Json::parse(R"([
    {"direction": "bipo", "vector": "contrastive@prompt_end", "by_layer": [
      {"layer": 0, "raw_cosine": null, "null_low": -0.2, "null_high": 0.2},
      {"layer": 1, "raw_cosine": 0.52, "null_low": -0.21, "null_high": 0.21,
       "ceiling": 0.93, "disattenuated": 0.559}]},
    {"direction": "adapter", "vector": "contrastive@prompt_end", "by_layer": [
      {"layer": 1, "raw_cosine": -0.04, "null_low": -0.21, "null_high": 0.21,
       "ceiling": null, "disattenuated": null}]}])");
  write_file(folder_ / "comparison.json", comparison.dump());
  EXPECT_THAT(page(), HasSubstr("None of them has a reliability"));
  comparison["direction_halves"] = Json::parse(R"([
    {"direction": "bipo", "n": [20, 20], "by_layer": [
      {"layer": 0, "cosine": null, "reliability": null},
      {"layer": 1, "cosine": 0.76, "reliability": 0.864}]}])");
  write_file(folder_ / "comparison.json", comparison.dump());
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("2 cosines</summary>"));
  EXPECT_THAT(text, HasSubstr("-0.21 to 0.21"));
  EXPECT_THAT(text, HasSubstr(">0.86<"));  // the table; the chart has 0.864
  EXPECT_THAT(text, HasSubstr("0.864"));
  EXPECT_THAT(text, HasSubstr(">0.93<"));
  EXPECT_THAT(text, HasSubstr(">0.56<"));
  EXPECT_THAT(text, HasSubstr("not told from chance"));
  EXPECT_THAT(text, HasSubstr("There is one split and no interval"));
}

TEST_F(ReportTest, ModelOutputCannotLeaveItsPlace) {
  write_file(folder_ / "sweep.json", kSweep);
  EXPECT_THAT(page(), Not(HasSubstr("<b>Use lights")));
}

// The page's words, from the one list in docs/glossary.md.
TEST_F(ReportTest, SaysWhatItsWordsMean) {
  const std::string text = page();
  for (const char* word :
       {"raw", "unit", "rel", "rel_token", "sigma", "share", "select split",
        "random control", "valid place", "twin, honest twin"}) {
    EXPECT_THAT(text, HasSubstr("<dt>" + std::string(word) + "</dt><dd>"));
  }
  EXPECT_THAT(text, HasSubstr("<code>twin@POSITION</code>"));
  EXPECT_THAT(text, HasSubstr("<em>Beyond random</em>"));
  EXPECT_THAT(text, HasSubstr("href=\"#words\""));
}

TEST_F(ReportTest, RefusesAFolderThatIsNoRun) {
  EXPECT_THROW(write_report(folder_ / "nothing", {}, {}), Error);
}

TEST_F(ReportTest, NamesADamagedFile) {
  write_file(folder_ / "sweep.json", "{\"cells\": [");
  EXPECT_THAT([this] { page(); },
              ::testing::ThrowsMessage<Error>(HasSubstr("sweep.json")));
}

}  // namespace
}  // namespace veer
