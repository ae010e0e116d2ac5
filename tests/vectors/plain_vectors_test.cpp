// SPDX-License-Identifier: MIT
#include "veer/vectors/plain_vectors.h"

#include <filesystem>

#include <ATen/ops/stack.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "vectors/planted.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/tensors/safetensors.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

SteeringVector example() {
  SteeringVector v;
  v.directions_LD = matrix(4, 2, {1, 2, 3, 4, 0, 0, 5, -6}).to(at::kFloat);
  v.name = "v";
  v.sign = "honest -> deceptive";
  return v;
}

class PlainVectors : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("veer_plain_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path file(const char* name) const { return folder_ / name; }
  VectorWarning listen() {
    return [this](std::string_view text) { warnings_.emplace_back(text); };
  }
  fs::path folder_;
  std::vector<std::string> warnings_;
};

TEST_F(PlainVectors, OneTensorPerLayerThereAndBack) {
  write_plain_vector(file("v.safetensors"), example(), "llama", {}, listen());
  const auto raw = read_safetensors(file("v.safetensors"));
  EXPECT_EQ(raw.tensors.size(), 3U);  // a row of zeros is no direction
  EXPECT_TRUE(raw.tensors.at("direction.3")
                  .equal(example().directions_LD.select(0, 3)));
  EXPECT_EQ(raw.metadata.at("model_type"), "llama");
  const auto back = read_plain_vector(file("v.safetensors"));
  EXPECT_TRUE(back.directions_LD.equal(example().directions_LD));
  EXPECT_EQ(back.sign, "honest -> deceptive");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(PlainVectors, OneTensorOfAllLayersOrOfOne) {
  const auto all = matrix(3, 2, {9, 9, 1, 2, 3, 4});
  write_safetensors(file("a.safetensors"), {{"diff", all}});
  EXPECT_TRUE(read_plain_vector(file("a.safetensors"))
                  .directions_LD.equal(all.to(at::kFloat)));
  // hidden_states: row 0 is the embedding and belongs to no block.
  const auto states =
      read_plain_vector(file("a.safetensors"), {0, -1}, {}, listen());
  EXPECT_TRUE(states.directions_LD.equal(all.narrow(0, 1, 2).to(at::kFloat)));
  EXPECT_EQ(warnings_.size(), 1U);

  write_safetensors(file("b.safetensors"), {{"direction", all[1]}});
  EXPECT_THROW(read_plain_vector(file("b.safetensors")), Error);
  const auto one = read_plain_vector(file("b.safetensors"), {4}, 2);
  EXPECT_TRUE(one.directions_LD.equal(
      matrix(4, 2, {0, 0, 0, 0, 1, 2, 0, 0}).to(at::kFloat)));
}

TEST_F(PlainVectors, DictsOfOtherToolsByTheirNames) {
  const auto row = [](double x) { return matrix(1, 2, {x, 1}); };
  const auto expected = matrix(4, 2, {0, 0, 3, 1, 0, 0, 5, 1}).to(at::kFloat);
  const std::pair<const char*, const char*> names[] = {
      {"1", "3"},
      {"layer_1", "layer_3"},
      {"model.layers.1", "model.layers.3"},
      {"blocks.1.hook_resid_post", "blocks.3.hook_resid_post"},
      {"blocks.2.hook_resid_pre", "blocks.4.hook_resid_pre"}};
  for (const auto& [first, second] : names) {
    write_safetensors(file("d.safetensors"),
                      {{first, row(3)[0]}, {second, row(5)[0]}});
    EXPECT_TRUE(
        read_plain_vector(file("d.safetensors")).directions_LD.equal(expected))
        << first;
  }
  for (const auto type : {at::kHalf, at::kBFloat16, at::kDouble}) {
    write_safetensors(file("d.safetensors"),
                      {{"1", row(3).to(type)}, {"3", row(5).to(type)}});
    EXPECT_TRUE(
        read_plain_vector(file("d.safetensors")).directions_LD.equal(expected));
  }
}

TEST_F(PlainVectors, ARowAloneIsOneDirectionAndServesAllWhereAsked) {
  const auto row = matrix(1, 2, {1, 2});
  write_safetensors(file("r.safetensors"), {{"direction", row}});
  EXPECT_THROW(read_plain_vector(file("r.safetensors")), Error);
  EXPECT_TRUE(
      read_plain_vector(file("r.safetensors"), {2}, 1)
          .directions_LD.equal(matrix(2, 2, {0, 0, 1, 2}).to(at::kFloat)));
  const ForeignVectorOptions anywhere{.num_layers = 2, .one_serves_all = true};
  EXPECT_TRUE(
      read_plain_vector(file("r.safetensors"), anywhere, {}, listen())
          .directions_LD.equal(matrix(2, 2, {1, 2, 1, 2}).to(at::kFloat)));
  EXPECT_EQ(warnings_.size(), 1U);
  write_safetensors(file("r.safetensors"),
                    {{"all", matrix(3, 2, {1, 2, 3, 4, 5, 6}).unsqueeze(1)}});
  EXPECT_EQ(read_plain_vector(file("r.safetensors")).num_layers(), 3);
}

TEST_F(PlainVectors, RefusesOtherTensors) {
  const auto refused = [&](const TensorMap& tensors) {
    write_safetensors(file("x.safetensors"), tensors);
    EXPECT_THROW(read_plain_vector(file("x.safetensors")), Error);
  };
  const auto row = matrix(1, 2, {1, 2})[0];
  refused({{"direction.0", row}, {"weight", row}});
  refused({{"direction.0", row}, {"layer.0", row}});
  refused({{"direction.0", row}, {"direction.1", matrix(2, 2, {1, 2, 3, 4})}});
  refused({{"layers.0.mlp", row}, {"layers.1.mlp", row}});
  refused({{"all", at::stack({matrix(2, 2, {1, 2, 3, 4}),
                              matrix(2, 2, {1, 2, 3, 4})})}});
  refused({{"direction.0", row}, {"direction.1", matrix(1, 3, {1, 2, 3})[0]}});
  refused({{"direction.0", matrix(1, 2, {NAN, 2})[0]}});
  refused({{"all", row.reshape({1, 1, 2})}});
  refused({{"all", row.to(at::kLong).reshape({1, 2})}});
}

TEST_F(PlainVectors, SvecNumbersAreInputsOfBlocks) {
  const auto v = parse_svec(
      R"({"model_type": "qwen2", "directions": {"1": [1, 2], "3": [3, 4]}})",
      "x.svec", {4});
  EXPECT_TRUE(v.directions_LD.equal(
      matrix(4, 2, {1, 2, 0, 0, 3, 4, 0, 0}).to(at::kFloat)));
  EXPECT_EQ(v.model, "qwen2");
  const auto measured =
      parse_svec(R"({"directions": {"1": [1, 2]}})", "x.svec", {2, 1});
  EXPECT_TRUE(
      measured.directions_LD.equal(matrix(2, 2, {0, 0, 1, 2}).to(at::kFloat)));
}

TEST_F(PlainVectors, SvecThereAndBackLosesTheLastLayerAloud) {
  write_svec(file("v.svec"), example(), "llama", {}, listen());
  ASSERT_EQ(warnings_.size(), 1U);
  const auto back =
      parse_svec(read_file(file("v.svec")), "v.svec", {4}, listen());
  EXPECT_TRUE(back.directions_LD.equal(
      matrix(4, 2, {1, 2, 3, 4, 0, 0, 0, 0}).to(at::kFloat)));
  EXPECT_EQ(warnings_.size(), 1U);
}

TEST(ParseSvec, RefusesOtherJson) {
  for (const char* text :
       {"[]", "{}", R"({"directions": {}})", R"({"directions": {"x": [1]}})",
        R"({"directions": {"1": 1}})", R"({"directions": {"1": ["a"]}})",
        R"({"directions": {"1": [1], "2": [1, 2]}})",
        R"({"directions": {"99999999": [1]}})", R"({"directions": {"0": [1]}})",
        R"({"directions": {"1": [1e99]}})"}) {
    EXPECT_THROW(parse_svec(text, "x.svec"), Error) << text;
  }
}

}  // namespace
}  // namespace veer
