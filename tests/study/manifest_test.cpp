// SPDX-License-Identifier: MIT
#include "veer/study/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

fs::path written(const std::string& text) {
  const fs::path path = fs::path(testing::TempDir()) / "my_study.toml";
  write_file(path, text);
  return path;
}

TEST(Manifest, DefaultsAreValid) {
  EXPECT_NO_THROW(validate(Manifest{}));
}

TEST(Manifest, PrintedTextReadsBackToTheSameManifest) {
  Manifest manifest;
  manifest.finetune.rank = 5;
  manifest.run.name = "my_study";
  const std::string toml = manifest_toml(manifest);
  EXPECT_EQ(manifest_toml(load_manifest(written(toml), {})), toml);
}

TEST(Manifest, IsNamedAfterItsFileAndFlagsWin) {
  const auto path = written("[finetune]\nrank = 3\nalpha = 2\n");
  const auto manifest = load_manifest(path, {{"finetune.rank", "9"}});
  EXPECT_EQ(manifest.run.name, "my_study");
  EXPECT_EQ(manifest.finetune.rank, 9);
  EXPECT_EQ(manifest.finetune.alpha, 2.0);
}

TEST(Manifest, RefusesWhatNoStudyCanHave) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"dataset.train", "0.9"},      {"dataset.near_duplicate", "1.5"},
      {"finetune.rank", "0"},        {"finetune.loss", "all"},
      {"sweep.operators", "add,ad"}, {"sweep.models", "tunde"},
      {"run.name", "a/b"},           {"run.device", "gpu"},
      {"judge.kind", "eye"},         {"compare.random_draws", "0"},
      {"sweep.rel_scales", "-1"},
  };
  for (const auto& [key, value] : bad) {
    try {
      load_manifest({}, {{key, value}});
      FAIL() << key;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
      EXPECT_THAT(e.what(), testing::HasSubstr(key));
    }
  }
}

TEST(Manifest, SectionHoldsItsValuesOnly) {
  const Json section = manifest_section(Manifest{}, "judge");
  EXPECT_EQ(section.dump(), R"({"kind":"auto"})");
}

}  // namespace
}  // namespace veer
