// SPDX-License-Identifier: MIT
#include "veer/tensors/safetensors.h"

#include <cstdlib>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
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

class Safetensors : public ::testing::Test {
 protected:
  Safetensors() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Safetensors() override { fs::remove_all(folder_); }
  const fs::path folder_ = fs::temp_directory_path() /
                           ("veer_safetensors_" + std::to_string(::getpid()));
};

fs::path test_data() {
  const char* set = std::getenv("VEER_TEST_DATA");
  return set != nullptr ? fs::path(set) : fs::path("../shared/data");
}

TEST_F(Safetensors, RoundTripKeepsBitsShapesAndMetadata) {
  const fs::path path = folder_ / "t.safetensors";
  const TensorMap tensors = {
      {"a", at::arange(6, at::kFloat).view({2, 3})},
      {"half", at::arange(3, at::kBFloat16)},
      {"transposed", at::arange(6, at::kDouble).view({2, 3}).t()},
      {"flag", at::ones({1}, at::kBool)},
      {"scalar", at::tensor(7, at::kLong).reshape({})},
      {"none", at::zeros({0, 4})},
  };
  write_safetensors(path, tensors, {{"made_by", "a test"}});
  const auto file = read_safetensors(path);
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const auto& read = file.tensors.at(name);
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(read, tensor)) << name;
  }
  EXPECT_EQ(file.metadata.at("format"), "pt");
  EXPECT_EQ(file.metadata.at("made_by"), "a test");
}

TEST_F(Safetensors, WritesWidestFirstThenByNamePaddedToEight) {
  const fs::path path = folder_ / "t.safetensors";
  write_safetensors(path, {{"b", at::zeros({1})},
                           {"a", at::zeros({1})},
                           {"c", at::zeros({1}, at::kDouble)}});
  const std::string bytes = read_file(path);
  EXPECT_EQ(static_cast<unsigned char>(bytes[0]) % 8, 0);
  EXPECT_THAT(
      bytes,
      HasSubstr(R"("c":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
                R"("a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
                R"("b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]})"));
}

TEST_F(Safetensors, WritingToATensorLeavesTheFileAlone) {
  const fs::path path = folder_ / "t.safetensors";
  write_safetensors(path, {{"a", at::zeros({4})}});
  const std::string before = read_file(path);
  auto file = read_safetensors(path);
  file.tensors.at("a").fill_(1.0);
  EXPECT_EQ(file.tensors.at("a")[2].item<float>(), 1.0F);
  EXPECT_EQ(read_file(path), before);
}

TEST_F(Safetensors, ReadsUnalignedTensors) {
  // Header of 3 mod 8 bytes: the F32 lies on an odd address.
  std::string header =
      R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  while (header.size() % 8 != 3) {
    header += ' ';
  }
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  const float values[] = {1.5F, -2.0F};
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values), sizeof(values));
  write_file(folder_ / "u.safetensors", bytes);
  const auto file = read_safetensors(folder_ / "u.safetensors");
  EXPECT_TRUE(at::equal(file.tensors.at("t"),
                        at::tensor(at::ArrayRef<float>{1.5F, -2.0F})));
}

TEST_F(Safetensors, RefusesADtypeWeDoNotUse) {
  const std::string header =
      R"({"t":{"dtype":"U32","shape":[1],"data_offsets":[0,4]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  write_file(folder_ / "u.safetensors", bytes + header + "\1\2\3\4");
  try {
    read_safetensors(folder_ / "u.safetensors");
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("tensor t has dtype U32"));
  }
}

TEST_F(Safetensors, ReadsShardsByTheirIndex) {
  write_safetensors(folder_ / "m-1.safetensors",
                    {{"a", at::ones({2})}, {"stray", at::ones({1})}});
  write_safetensors(folder_ / "m-2.safetensors", {{"b", at::zeros({2})}});
  const fs::path index = folder_ / "model.safetensors.index.json";
  write_file(index, R"({"metadata":{"total_size":16},"weight_map":)"
                    R"({"a":"m-1.safetensors","b":"m-2.safetensors"}})");
  std::string warning;
  const auto tensors = read_model_tensors(
      folder_, [&](std::string_view text) { warning += text; });
  // transformers reads what the index does not list as well.
  EXPECT_EQ(tensors.size(), 3u);
  EXPECT_THAT(warning, HasSubstr("stray"));

  write_file(index, R"({"weight_map":{"a":"m-2.safetensors"}})");
  EXPECT_THROW(read_model_tensors(folder_), Error);
  write_file(index, R"({"weight_map":{"a":"m-9.safetensors"}})");
  EXPECT_THROW(read_model_tensors(folder_), Error);
}

TEST_F(Safetensors, TheSameTensorInTwoShardsIsToldOfOrRefused) {
  const auto one = at::ones({2});
  write_safetensors(folder_ / "m-1.safetensors", {{"a", one}, {"both", one}});
  write_safetensors(folder_ / "m-2.safetensors", {{"b", one}, {"both", one}});
  write_file(folder_ / "model.safetensors.index.json",
             R"({"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors",
                 "both":"m-1.safetensors"}})");
  std::string warning;
  const auto tensors = read_model_tensors(
      folder_, [&](std::string_view text) { warning += text; });
  EXPECT_EQ(tensors.size(), 3u);
  for (const char* word : {"both", "m-1.safetensors", "m-2.safetensors"}) {
    EXPECT_THAT(warning, HasSubstr(word));
  }
  for (const auto& other :
       {at::zeros({2}), at::ones({1}), at::ones({2}, at::kDouble)}) {
    write_safetensors(folder_ / "m-2.safetensors",
                      {{"b", one}, {"both", other}});
    try {
      read_model_tensors(folder_);
      FAIL() << "accepted";
    } catch (const Error& e) {
      for (const char* word : {"both", "m-1.safetensors", "m-2.safetensors"}) {
        EXPECT_THAT(e.what(), HasSubstr(word));
      }
    }
  }
}

TEST_F(Safetensors, RefusesBrokenShards) {
  const fs::path shard = folder_ / "m-1.safetensors";
  const fs::path index = folder_ / "model.safetensors.index.json";
  const auto refusal = [&](const std::string& map) -> std::string {
    write_file(index, R"({"weight_map":)" + map + "}");
    try {
      read_model_tensors(folder_);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kBadInput);
      return e.what();
    }
    return "accepted";
  };
  write_safetensors(shard, {{"a", at::ones({64})}});
  EXPECT_EQ(refusal(R"({"a":"m-1.safetensors"})"), "accepted");
  for (const char* outside :
       {"../m-1.safetensors", "/etc/passwd", "..", "", "x/m-1.safetensors"}) {
    EXPECT_THAT(refusal(R"({"a":")" + std::string(outside) + R"("})"),
                HasSubstr("weight_map"));
  }
  EXPECT_THAT(refusal(R"({"a":"none.safetensors"})"),
              HasSubstr("none.safetensors"));
  const std::string whole = read_file(shard);
  for (const std::size_t kept :
       {std::size_t{0}, std::size_t{7}, std::size_t{20}, whole.size() - 1}) {
    write_file(shard, whole.substr(0, kept));
    EXPECT_THAT(refusal(R"({"a":"m-1.safetensors"})"),
                HasSubstr("m-1.safetensors"))
        << kept;
  }
}

TEST_F(Safetensors, SaysWhatAnEmptyFolderLacks) {
  EXPECT_THROW(read_model_tensors(folder_), Error);
  EXPECT_THROW(read_safetensors(folder_), Error);
}

TEST_F(Safetensors, MalformedFilesGetTheReferencesError) {
  const fs::path data = test_data() / "safetensors_malformed";
  if (!fs::exists(data)) {
    GTEST_SKIP() << data << " is not here";
  }
  const Json cases =
      parse_json(read_file(data / "expected.json"), "expected.json");
  for (const auto& c : cases) {
    const auto name = c["file"].get<std::string>();
    const auto expect = c["expect"].get<std::string>();
    std::string got = "ok";
    try {
      read_safetensors(data / name);
    } catch (const Error& e) {
      got = e.what();
    }
    if (expect.starts_with("any error")) {
      EXPECT_THAT(got, HasSubstr("Git LFS")) << name;
    } else {
      EXPECT_THAT(got, HasSubstr(expect)) << name;
    }
  }
}

}  // namespace
}  // namespace veer
