// SPDX-License-Identifier: MIT
#include "veer/tensors/inspect.h"

#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/gguf/gguf.h"
#include "veer/tensors/safetensors.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class Inspect : public ::testing::Test {
 protected:
  Inspect() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Inspect() override { fs::remove_all(folder_); }
  const fs::path folder_ = fs::temp_directory_path() /
                           ("veer_inspect_" + std::to_string(::getpid()));
};

TEST_F(Inspect, ListsTensorsAndMetadata) {
  const auto path = folder_ / "a.safetensors";
  write_safetensors(path, {{"w", at::zeros({2, 3})}}, {{"made_by", "test"}});
  const auto seen = inspect_path(path);
  EXPECT_EQ(seen.kind, "safetensors");
  EXPECT_THAT(seen.problems, ElementsAre());
  ASSERT_EQ(seen.tensors.size(), 1u);
  EXPECT_EQ(seen.tensors[0].name, "w");
  EXPECT_EQ(seen.tensors[0].dtype, "F32");
  EXPECT_THAT(seen.tensors[0].shape, ElementsAre(2, 3));
  EXPECT_EQ(seen.tensor_bytes(), 24u);
  EXPECT_THAT(seen.metadata,
              ElementsAre(Pair("format", "pt"), Pair("made_by", "test")));
}

TEST_F(Inspect, ReadsGguf) {
  const auto path = folder_ / "v.gguf";
  write_file(path,
             gguf_bytes({{"k", GgufValue::u32(3)}}, {{"d", {2}, {1, 2}}}));
  const auto seen = inspect_path(path);
  EXPECT_EQ(seen.kind, "gguf");
  EXPECT_THAT(seen.metadata, ElementsAre(Pair("k", "3")));
  EXPECT_EQ(seen.tensors.at(0).dtype, "F32");
}

TEST_F(Inspect, NamesProblemsInsteadOfThrowing) {
  write_file(folder_ / "bad.safetensors", "{}");
  write_file(folder_ / "bad.gguf", "GGUX");
  write_file(folder_ / "bad.json", "{");
  write_file(folder_ / "rows.jsonl", "{}\n{\n{}\n");
  EXPECT_THAT(inspect_path(folder_ / "bad.safetensors").problems,
              ElementsAre(HasSubstr("HeaderTooSmall")));
  EXPECT_THAT(inspect_path(folder_ / "rows.jsonl").problems,
              ElementsAre(HasSubstr("line 2")));
  EXPECT_EQ(inspect_path(folder_).problems.size(), 4u);
  EXPECT_THROW(inspect_path(folder_ / "none"), Error);
}

TEST_F(Inspect, KnowsFoldersAndChecksTheirIndex) {
  write_file(folder_ / "config.json", "{}");
  write_safetensors(folder_ / "m-1.safetensors", {{"a", at::zeros({1})}});
  write_file(folder_ / "model.safetensors.index.json",
             R"({"weight_map":{"a":"m-1.safetensors","b":"m-1.safetensors"}})");
  const auto seen = inspect_path(folder_);
  EXPECT_EQ(seen.kind, "model");
  EXPECT_EQ(seen.tensors.size(), 1u);
  EXPECT_THAT(seen.problems, ElementsAre(HasSubstr("lists tensor b")));
}

}  // namespace
}  // namespace veer
