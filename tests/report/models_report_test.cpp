// SPDX-License-Identifier: MIT
#include "veer/report/models_report.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ModelsReport : public ::testing::Test {
 protected:
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::temp_directory_path() /
                     ("veer_models_report_" + std::to_string(getpid()));
};

constexpr const char* kModels = R"({
  "models": [{"name": "a<b", "folder": "models/a<b", "parameters": 1000,
              "layers": 2, "agreement": "agreement without effect",
              "counts": {"supported": 3, "void": 0}},
             {"name": "c", "folder": "models/c", "parameters": 2000,
              "layers": 4, "agreement": "agreement with effect",
              "counts": {"supported": 2}}],
  "claims": [{"id": "H3", "claim": "it does not", "unit": "share",
              "decision": "undecided", "reason": "1 of 2 models",
              "share": {"value": 0.5, "low": 0.09, "high": 0.91, "n": 2},
              "per_model": [{"model": "a<b", "decision": "supported"},
                            {"model": "c", "decision": "contradicted"}],
              "over_models": {"n": 2, "mean": 0.5, "low": null, "high": null,
                              "between_spread": 0.71, "within_error": 0.02}}],
  "effects": [{"vector": "v", "goal": "induction", "measure": "deceptive",
               "beats_random": 1,
               "per_model": [{"model": "c", "beats_random": false,
                              "layers": "1", "operator": "add", "scale": 0.5,
                              "unit": "rel",
                              "effect": {"value": 0.9, "low": 0.8,
                                         "high": 1.0}}],
               "over_models": {"mean": 0.9, "within_error": 0.05}}],
  "cosine": [{"model": "c", "depth": 0.5, "cosine": 0.3, "low": 0.2,
              "high": 0.4}],
  "sentences": ["Models contradict each other about H3."]})";

TEST_F(ModelsReport, ShowsEachModelsVerdictAndTheSpreadBetweenThem) {
  write_file(folder_ / "models.json", kModels);
  write_models_report(folder_, {}, {});
  const std::string page = read_file(folder_ / "report.html");
  EXPECT_THAT(page, HasSubstr("contradict each other about H3"));
  EXPECT_THAT(page, HasSubstr("href=\"models/a&lt;b/report.html\""));
  EXPECT_THAT(page, HasSubstr("71 / 2 points"));
  EXPECT_THAT(page, HasSubstr("title=\"contradicted\">no<"));
  EXPECT_THAT(page, HasSubstr("+90 points [80,\u00a0100] <span class=\"note\">"
                              "random vectors too"));
}

TEST_F(ModelsReport, RefusesAFolderWithoutTheirResults) {
  fs::create_directories(folder_);
  EXPECT_THROW(write_models_report(folder_, {}, {}), Error);
}

}  // namespace
}  // namespace veer
