// SPDX-License-Identifier: MIT
#include "veer/base/model_folder.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class ModelFolder : public testing::Test {
 protected:
  void SetUp() override {
    cache_ = fs::path(testing::TempDir()) / "models--org--name";
    fs::remove_all(cache_);
    write_file(cache_ / "snapshots" / "0a1b" / "config.json", "{}");
    for (const char* name : {"HF_HUB_CACHE", "HF_HOME", "HUGGINGFACE_HUB_CACHE",
                             "XDG_CACHE_HOME"}) {
      ::unsetenv(name);
    }
    ::setenv("HF_HUB_CACHE", testing::TempDir().c_str(), 1);
  }
  void TearDown() override { ::unsetenv("HF_HUB_CACHE"); }

  std::string refusal(const fs::path& path) {
    try {
      find_model_folder(path);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
      return e.what();
    }
    return "accepted";
  }

  fs::path cache_;
};

TEST_F(ModelFolder, LeavesOtherPathsAlone) {
  EXPECT_EQ(resolve_model_folder("no/such/folder"), "no/such/folder");
  const fs::path snapshot = cache_ / "snapshots" / "0a1b";
  EXPECT_EQ(resolve_model_folder(snapshot), snapshot);
  EXPECT_EQ(resolve_model_folder(snapshot / "tokenizer.json"),
            snapshot / "tokenizer.json");
}

TEST_F(ModelFolder, FollowsRefsMain) {
  write_file(cache_ / "snapshots" / "ffff" / "config.json", "{}");
  write_file(cache_ / "refs" / "main", "0a1b\n");
  const fs::path snapshot = cache_ / "snapshots" / "0a1b";
  EXPECT_EQ(resolve_model_folder(cache_), snapshot);
  EXPECT_EQ(resolve_model_folder(cache_ / ""), snapshot);
  EXPECT_EQ(resolve_model_folder(cache_ / "snapshots"), snapshot);
}

TEST_F(ModelFolder, TakesTheOnlySnapshot) {
  EXPECT_EQ(resolve_model_folder(cache_), cache_ / "snapshots" / "0a1b");
}

TEST_F(ModelFolder, RefusesToGuess) {
  write_file(cache_ / "snapshots" / "ffff" / "config.json", "{}");
  EXPECT_THROW(resolve_model_folder(cache_), Error);
  for (const char* reference : {"9999", "../../outside", "", "\n"}) {
    write_file(cache_ / "refs" / "main", reference);
    EXPECT_THROW(resolve_model_folder(cache_), Error) << reference;
  }
}

TEST_F(ModelFolder, FindsARepositoryInTheHubCache) {
  const fs::path snapshot = cache_ / "snapshots" / "0a1b";
  EXPECT_EQ(resolve_model_folder("org/name"), snapshot);
  ::unsetenv("HF_HUB_CACHE");
  const fs::path home = fs::path(testing::TempDir()) / "hf_home";
  fs::remove_all(home);
  write_file(home / "hub/models--gpt2/snapshots/0a1b/config.json", "{}");
  ::setenv("HF_HOME", home.c_str(), 1);
  EXPECT_EQ(resolve_model_folder("gpt2"),
            home / "hub/models--gpt2/snapshots/0a1b");
  // As huggingface_hub reads a value that the shell left alone.
  const std::string own =
      std::getenv("HOME") == nullptr ? "" : std::getenv("HOME");
  ::setenv("HOME", testing::TempDir().c_str(), 1);
  ::setenv("HF_HOME", "~/hf_home", 1);
  EXPECT_TRUE(fs::equivalent(resolve_model_folder("gpt2"),
                             home / "hub/models--gpt2/snapshots/0a1b"));
  own.empty() ? ::unsetenv("HOME") : ::setenv("HOME", own.c_str(), 1);
  ::unsetenv("HF_HOME");
  ::setenv("XDG_CACHE_HOME", home.c_str(), 1);
  write_file(home / "huggingface/hub/models--a--b/snapshots/1/config.json",
             "{}");
  EXPECT_EQ(resolve_model_folder("a/b"),
            home / "huggingface/hub/models--a--b/snapshots/1");
  ::unsetenv("XDG_CACHE_HOME");
}

TEST_F(ModelFolder, SaysHowToFetchWhatIsNotThere) {
  EXPECT_THAT(refusal("org/other-1.5B_x"),
              HasSubstr("hf download org/other-1.5B_x"));
  // These are paths, whatever they lack.
  for (const char* path : {"./org/name", "../org/name", "/org/name", "a/b/c"}) {
    EXPECT_EQ(resolve_model_folder(path), path);
    EXPECT_THAT(refusal(path), HasSubstr("does not exist")) << path;
  }
}

TEST_F(ModelFolder, AFolderOfThatNameWins) {
  const fs::path before = fs::current_path();
  fs::current_path(testing::TempDir());
  write_file("org/name/config.json", "{}");
  EXPECT_EQ(resolve_model_folder("org/name"), "org/name");
  fs::remove_all("org");
  fs::current_path(before);
}

TEST_F(ModelFolder, AFolderStandsForItsGguf) {
  const fs::path folder = fs::path(testing::TempDir()) / "gguf_model";
  fs::remove_all(folder);
  write_file(folder / "mmproj-m.gguf", "GGUF");
  write_file(folder / "m-00001-of-00002.gguf", "GGUF");
  write_file(folder / "m-00002-of-00002.gguf", "GGUF");
  const fs::path first = folder / "m-00001-of-00002.gguf";
  EXPECT_EQ(find_model_folder(folder), first);
  EXPECT_EQ(find_model_folder(first), first);
  // config.json beside it is often there and says nothing of the weights.
  write_file(folder / "config.json", "{}");
  EXPECT_EQ(find_model_folder(folder), first);
  write_file(folder / "n.gguf", "GGUF");
  EXPECT_THAT(refusal(folder),
              AllOf(HasSubstr("holds 2 models as GGUF"), HasSubstr("n.gguf")));
  write_file(folder / "model.safetensors", "x");
  EXPECT_EQ(find_model_folder(folder), folder);
}

TEST_F(ModelFolder, SaysWhatItFoundInPlaceOfAModel) {
  const fs::path folder = fs::path(testing::TempDir()) / "no_model";
  fs::remove_all(folder);
  write_file(folder / "adapter/adapter_config.json",
             R"({"base_model_name_or_path": "org/base", "x": Infinity})");
  EXPECT_THAT(refusal(folder / "adapter"),
              AllOf(HasSubstr("is an adapter"), HasSubstr("--model org/base")));
  EXPECT_THAT(refusal(folder), HasSubstr("has no config.json"));
  EXPECT_THAT(refusal(folder / "adapter/adapter_config.json"),
              HasSubstr("is a file"));
}

TEST_F(ModelFolder, KnowsTheOrganisms) {
  ::setenv("VEER_MODELS", testing::TempDir().c_str(), 1);
  EXPECT_EQ(resolve_model_folder("organism"),
            fs::path(testing::TempDir()) / "organism");
  EXPECT_EQ(resolve_model_folder("organism:control"),
            fs::path(testing::TempDir()) / "organism-control");
  ::unsetenv("VEER_MODELS");
}

}  // namespace
}  // namespace veer
