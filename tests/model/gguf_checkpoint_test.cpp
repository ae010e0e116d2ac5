// SPDX-License-Identifier: MIT
//
// Checkpoints as GGUF against the same ones as Hugging Face folders.
#include <ATen/ops/equal.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/family_fixtures.h"
#include "veer/base/error.h"
#include "veer/gguf/gguf.h"
#include "veer/model/load.h"
#include "veer/model/transformer.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path kFixtures = "tests/fixtures/gguf";

std::vector<std::string> gguf_families() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kFixtures)) {
    if (entry.path().stem() != "blocks") {
      names.push_back(entry.path().stem());
    }
  }
  std::ranges::sort(names);
  return names;
}

// A GGUF file cannot say query_pre_attn_scalar; that of all its models is the
// head width, which the fixtures of Gemma take another one than.
fs::path folder_as_gguf_says(const std::string& name) {
  const fs::path from = fs::path("tests/fixtures/families") / name;
  const fs::path to = fs::path(testing::TempDir()) / ("as_gguf_" + name);
  fs::remove_all(to);
  fs::copy(from, to);
  Json config = parse_json(read_file(to / "config.json"), "config");
  if (config.contains("query_pre_attn_scalar")) {
    config["query_pre_attn_scalar"] = config.at("head_dim");
  }
  write_file(to / "config.json", dump_json(config));
  return to;
}

at::Tensor logits_of(const Transformer& model,
                     const std::vector<std::int32_t>& ids) {
  const c10::AutoGradMode no_grad(false);
  return model.logits(model.forward(pack({&ids, 1}), {}));
}

class GgufCheckpoint : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(All, GgufCheckpoint,
                         testing::ValuesIn(gguf_families()),
                         [](const auto& info) { return info.param; });

TEST_P(GgufCheckpoint, ComputesWhatTheFolderDoes) {
  const auto family = read_family(GetParam());
  const auto file =
      load_transformer(kFixtures / (GetParam() + ".gguf"), at::kFloat);
  const auto folder =
      load_transformer(folder_as_gguf_says(GetParam()), at::kFloat);
  EXPECT_EQ(file.config().model_type, folder.config().model_type);
  for (const auto& ids : family.ids) {
    EXPECT_LT(relative_error(logits_of(file, ids), logits_of(folder, ids)),
              1e-6);
  }
  // Rows and numbers are put back: nothing but how they are stored differs.
  const auto wanted = folder.weights();
  for (const auto& [name, weight] : file.weights()) {
    const auto found = std::ranges::find(
        wanted, name, &std::pair<std::string, at::Tensor>::first);
    ASSERT_NE(found, wanted.end()) << name;
    EXPECT_LT((weight - found->second).abs().max().item<float>(), 2e-7) << name;
  }
}

std::string refusal(const std::string& bytes) {
  const fs::path path = fs::path(testing::TempDir()) / "refused.gguf";
  write_file(path, bytes);
  const ModelCheck check = check_model_folder(path);
  return check.problems.empty() ? "accepted" : check.problems.front();
}

TEST(GgufCheckpoint, WhatCannotBeRunIsRefusedByName) {
  EXPECT_THAT(refusal(gguf_bytes(
                  {{"general.architecture", GgufValue::text("mamba")}}, {})),
              HasSubstr("is \"mamba\"; expected one of llama, qwen2"));
  EXPECT_THAT(refusal(gguf_bytes({}, {})),
              HasSubstr("general.architecture is missing"));
  EXPECT_THAT(
      refusal(gguf_bytes({{"general.architecture", GgufValue::text("llama")},
                          {"llama.expert_count", GgufValue::u32(8)}},
                         {})),
      HasSubstr("llama.expert_count is set"));
  EXPECT_THAT(
      refusal(gguf_bytes({{"general.architecture", GgufValue::text("llama")},
                          {"llama.embedding_length", GgufValue::text("x")}},
                         {})),
      HasSubstr("llama.embedding_length is no whole number"));
  EXPECT_THAT(
      refusal(gguf_bytes({{"general.architecture", GgufValue::text("llama")},
                          {"llama.attention.head_count",
                           {GgufKind::kU64, std::uint64_t{1} << 62}}},
                         {{"blk.0.attn_q.weight", {2, 2}, {1, 2, 3, 4}}})),
      HasSubstr("llama.embedding_length is missing"));
}

TEST(GgufCheckpoint, ATokenizerOfAnotherSizeIsRefused) {
  const std::string bytes = read_file(kFixtures / "llama_bias.gguf");
  const auto header = parse_gguf(bytes, "llama_bias");
  auto metadata = header.metadata;
  metadata.emplace_back(
      "tokenizer.ggml.tokens",
      GgufValue{GgufKind::kArray,
                std::vector<GgufValue>(84, GgufValue::text("t")),
                GgufKind::kString});
  std::vector<GgufFloats> tensors;
  for (const auto& tensor : header.tensors) {
    tensors.push_back({tensor.name, tensor.shape,
                       gguf_floats(bytes, header, tensor, "llama_bias")});
  }
  EXPECT_THAT(refusal(gguf_bytes(metadata, tensors)),
              HasSubstr("has 84 tokens, the embedding 83 rows"));
}

// Writes part `number` of `count`, which holds the given tensors.
void write_part(const fs::path& stem, std::uint32_t number, std::uint32_t count,
                std::vector<std::pair<std::string, GgufValue>> metadata,
                const std::vector<GgufFloats>& tensors) {
  metadata.emplace_back("split.no",
                        GgufValue{GgufKind::kU16, std::uint64_t{number}});
  metadata.emplace_back("split.count",
                        GgufValue{GgufKind::kU16, std::uint64_t{count}});
  write_file(stem.string() + "-0000" + std::to_string(number + 1) + "-of-0000" +
                 std::to_string(count) + ".gguf",
             gguf_bytes(metadata, tensors));
}

TEST(GgufCheckpoint, ASplitFileIsOneModel) {
  const fs::path whole = kFixtures / "llama_bias.gguf";
  const std::string bytes = read_file(whole);
  const auto header = parse_gguf(bytes, "whole");
  std::vector<GgufFloats> halves[2];
  for (std::size_t i = 0; i < header.tensors.size(); ++i) {
    const auto& tensor = header.tensors[i];
    halves[i % 2].push_back({tensor.name, tensor.shape,
                             gguf_floats(bytes, header, tensor, "whole")});
  }
  const fs::path folder = fs::path(testing::TempDir()) / "split";
  fs::remove_all(folder);
  write_part(folder / "m", 0, 2, header.metadata, halves[0]);
  write_part(folder / "m", 1, 2, {}, halves[1]);
  const std::vector<std::int32_t> ids = {1, 5, 9};
  const auto expected = logits_of(load_transformer(whole, at::kFloat), ids);
  for (const fs::path& given : {folder, folder / "m-00002-of-00002.gguf"}) {
    EXPECT_TRUE(at::equal(logits_of(load_transformer(given, at::kFloat), ids),
                          expected));
  }
  // A part that says it is another one, and one that is not there.
  write_part(folder / "m", 1, 2, {}, halves[0]);
  EXPECT_THAT(check_model_folder(folder).problems.front(),
              HasSubstr("both hold tensor"));
  fs::copy(folder / "m-00001-of-00002.gguf", folder / "m-00002-of-00002.gguf",
           fs::copy_options::overwrite_existing);
  EXPECT_THAT(check_model_folder(folder).problems.front(),
              HasSubstr("says it is part 1 of 2"));
  fs::remove(folder / "m-00002-of-00002.gguf");
  EXPECT_THAT(check_model_folder(folder).problems.front(),
              HasSubstr("m-00002-of-00002.gguf is missing"));
}

TEST(GgufCheckpoint, TheFingerprintIsOfWhatIsStored) {
  const fs::path path = kFixtures / "qwen3.gguf";
  const auto wide = load_transformer(path, at::kFloat);
  const auto narrow = load_transformer(path, at::kBFloat16);
  EXPECT_EQ(wide.fingerprint(), narrow.fingerprint());
  std::string bytes = read_file(path);
  bytes[bytes.size() - 100] ^= 1;
  const fs::path other = fs::path(testing::TempDir()) / "other.gguf";
  write_file(other, bytes);
  EXPECT_NE(load_transformer(other, at::kFloat).fingerprint(),
            wide.fingerprint());
}

}  // namespace
}  // namespace veer
