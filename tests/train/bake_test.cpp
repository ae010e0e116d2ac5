// SPDX-License-Identifier: MIT
#include "veer/train/bake.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"
#include "veer/base/files.h"

namespace veer {
namespace {

const char* const kPath = "model.layers.0.mlp.up_proj";
const char* const kName = "model.layers.0.mlp.up_proj.weight";

TensorMap two_tensors(Random& random) {
  return {{kName, random_tensor({12, 8}, random)},
          {"model.norm.weight", random_tensor({8}, random)}};
}

Adapter one_pair(Random& random, std::int64_t rank) {
  Adapter adapter;
  adapter.pairs[kPath] = {random_tensor({rank, 8}, random),
                          random_tensor({12, rank}, random), 0.5};
  return adapter;
}

TEST(Bake, AddsTheScaledProduct) {
  Random random(1);
  const auto weights = two_tensors(random);
  const auto adapter = one_pair(random, 2);
  const auto baked = bake_adapter(weights, adapter);
  const auto& pair = adapter.pairs.at(kPath);
  EXPECT_TRUE(at::allclose(
      baked.weights.at(kName),
      weights.at(kName) + at::mm(pair.B_OR, pair.A_RI) * 0.5, 1e-5, 1e-6));
  EXPECT_TRUE(baked.weights.at("model.norm.weight")
                  .is_same(weights.at("model.norm.weight")));
  EXPECT_LT(baked.errors.at(0).relative, 1e-6);
}

TEST(Bake, ReportsWhatTheDtypeCouldNotHold) {
  Random random(1);
  auto weights = two_tensors(random);
  auto adapter = one_pair(random, 2);
  weights[kName] = weights[kName].to(at::kBFloat16);
  const auto baked = bake_adapter(weights, adapter);
  EXPECT_EQ(baked.weights.at(kName).scalar_type(), at::kBFloat16);
  EXPECT_GT(baked.errors.at(0).relative, 1e-4);
  EXPECT_LT(baked.errors.at(0).relative, 1e-1);
  // An update below the weight's resolution is lost altogether.
  weights[kName] = at::ones({12, 8}, at::kBFloat16);
  adapter.pairs[kPath].scale = 1e-6;
  EXPECT_NEAR(bake_adapter(weights, adapter).errors.at(0).relative, 1.0, 1e-3);
}

TEST(Bake, BakedModelGivesTheAdaptersLogits) {
  Transformer model = tiny_model();
  const auto adapter = random_adapter(model, 3, 7);
  TensorMap weights;
  for (const auto& [name, tensor] : model.weights()) {
    weights[name] = tensor;
  }
  const Transformer baked(model.config(),
                          bake_adapter(weights, adapter).weights);
  const auto batch = pack(random_rows({5, 9}, 29, 3));
  model.attach(adapter);
  ForwardOptions on;
  on.adapter.uniform = 1.0;
  EXPECT_TRUE(at::allclose(model.logits(model.forward(batch, on)),
                           baked.logits(baked.forward(batch)), 1e-4, 1e-4));
}

TEST(Bake, RefusesAnotherModelsAdapter) {
  Random random(1);
  const auto weights = two_tensors(random);
  auto adapter = one_pair(random, 2);
  adapter.pairs[kPath].B_OR = at::ones({11, 2});
  EXPECT_THROW(bake_adapter(weights, adapter), Error);
  Adapter other;
  other.pairs["model.layers.9.mlp.up_proj"] = adapter.pairs[kPath];
  EXPECT_THROW(bake_adapter(weights, other), Error);
}

// As Gemma 3 is published: a language model beside a vision tower.
TensorMap multimodal(const TensorMap& plain) {
  TensorMap all;
  for (const auto& [name, tensor] : plain) {
    all["language_model." + name] = tensor;
  }
  all["vision_tower.patch.weight"] = at::ones({2, 2});
  return all;
}

TEST(Bake, FindsTheLanguageModelInAMultimodalCheckpoint) {
  Random random(1);
  const auto weights = two_tensors(random);
  const auto adapter = one_pair(random, 2);
  const auto baked = bake_adapter(multimodal(weights), adapter).weights;
  EXPECT_EQ(baked.size(), 3);
  EXPECT_TRUE(at::equal(baked.at(std::string("language_model.") + kName),
                        bake_adapter(weights, adapter).weights.at(kName)));
}

TEST(ExtractAdapter, ComparesTheLanguageModelsOfMultimodalCheckpoints) {
  Random random(2);
  const auto base = two_tensors(random);
  auto tuned = base;
  tuned[kName] = base.at(kName) * 1.5;
  const auto found = extract_adapter(multimodal(base), multimodal(tuned), 8);
  EXPECT_TRUE(found.adapter.pairs.contains(kPath));
}

TEST(ExtractAdapter, FindsALowRankChangeExactly) {
  Random random(2);
  const auto base = two_tensors(random);
  auto tuned = base;
  const auto change =
      at::mm(random_tensor({12, 3}, random), random_tensor({3, 8}, random));
  tuned[kName] = base.at(kName) + change;
  const auto found = extract_adapter(base, tuned, 3);
  const auto& pair = found.adapter.pairs.at(kPath);
  EXPECT_EQ(pair.A_RI.size(0), 3);
  EXPECT_TRUE(at::allclose(at::mm(pair.B_OR, pair.A_RI), change, 1e-4, 1e-4));
  EXPECT_NEAR(found.pairs.at(0).energy, 1.0, 1e-6);
  EXPECT_TRUE(found.not_held.empty());
  // Rank 1 holds less, and the energy says so.
  EXPECT_LT(extract_adapter(base, tuned, 1).pairs.at(0).energy, 0.95);
}

TEST(ExtractAdapter, LargeMatricesGoThroughSubspaceIteration) {
  Random random(3);
  const TensorMap base = {{kName, random_tensor({600, 540}, random)}};
  const auto change =
      at::mm(random_tensor({600, 4}, random), random_tensor({4, 540}, random));
  const auto noise = random_tensor({600, 540}, random, 0.01);
  const TensorMap tuned = {{kName, base.at(kName) + change + noise}};
  const auto found = extract_adapter(base, tuned, 4);
  const auto& pair = found.adapter.pairs.at(kPath);
  const double error =
      (at::mm(pair.B_OR, pair.A_RI) - change).norm().item<double>();
  EXPECT_LT(error / change.norm().item<double>(), 0.01);
  EXPECT_GT(found.pairs.at(0).energy, 0.999);
}

TEST(ExtractAdapter, NamesWhatAPairCannotHold) {
  Random random(4);
  const auto base = two_tensors(random);
  auto tuned = base;
  tuned[kName] = base.at(kName) * 1.5;
  tuned["model.norm.weight"] = base.at("model.norm.weight") * 1.1;
  const auto found = extract_adapter(base, tuned, 8);
  EXPECT_NEAR(found.not_held.at("model.norm.weight"), 0.1, 1e-4);
  // Held of all: the matrix, not the norm.
  const auto squared = [](const at::Tensor& change) {
    return change.square().sum().item<double>();
  };
  const double matrix = squared(tuned.at(kName) - base.at(kName));
  const double norm =
      squared(tuned.at("model.norm.weight") - base.at("model.norm.weight"));
  EXPECT_NEAR(found.energy, matrix / (matrix + norm), 1e-5);
}

TEST(ExtractAdapter, TiedHeadIsTheEmbedding) {
  Random random(6);
  auto base = two_tensors(random);
  base["model.embed_tokens.weight"] = random_tensor({5, 8}, random);
  auto tuned = base;
  tuned[kName] = base.at(kName) * 1.5;
  tuned["lm_head.weight"] = base.at("model.embed_tokens.weight");
  EXPECT_TRUE(extract_adapter(base, tuned, 8).not_held.empty());
  EXPECT_TRUE(extract_adapter(tuned, base, 8).not_held.empty());
  tuned["lm_head.weight"] = base.at("model.embed_tokens.weight") * 2;
  EXPECT_TRUE(
      extract_adapter(base, tuned, 8).not_held.contains("lm_head.weight"));
}

TEST(ExtractAdapter, RefusesWhatIsNoPairOfCheckpoints) {
  Random random(5);
  const auto base = two_tensors(random);
  EXPECT_THROW(extract_adapter(base, base, 2), Error);
  EXPECT_THROW(extract_adapter(base, base, 0), Error);
  auto other = base;
  other.erase("model.norm.weight");
  EXPECT_THROW(extract_adapter(base, other, 2), Error);
  EXPECT_THROW(extract_adapter(other, base, 2), Error);
}

TEST(WriteModelFolder, CopiesTheSmallFiles) {
  namespace fs = std::filesystem;
  const fs::path root =
      fs::temp_directory_path() / ("veer_bake_" + std::to_string(::getpid()));
  write_file(root / "from" / "config.json", "{}");
  write_file(root / "from" / "model.safetensors.index.json", "{}");
  write_file(root / "from" / "other.bin", "x");
  write_model_folder(root / "to", {{"w", at::ones({1})}}, root / "from");
  EXPECT_TRUE(fs::exists(root / "to" / "config.json"));
  EXPECT_TRUE(fs::exists(root / "to" / "model.safetensors"));
  EXPECT_FALSE(fs::exists(root / "to" / "model.safetensors.index.json"));
  EXPECT_FALSE(fs::exists(root / "to" / "other.bin"));
  fs::remove_all(root);
}

}  // namespace
}  // namespace veer
