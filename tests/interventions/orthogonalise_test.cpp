// SPDX-License-Identifier: MIT
#include "veer/interventions/orthogonalise.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"
#include "veer/interventions/table.h"

namespace veer {
namespace {

constexpr const char* kBiases = R"(, "attention_bias": true, "mlp_bias": true)";
constexpr const char* kUntied =
    R"(, "attention_bias": true, "tie_word_embeddings": false)";

TensorMap tensors_of(const Transformer& model) {
  TensorMap weights;
  for (const auto& [name, tensor] : model.weights()) {
    weights[name] = tensor;
  }
  return weights;
}

at::Tensor direction() {
  Random random(5);
  return random_tensor({16}, random);
}

Transformer baked_model(const Transformer& model,
                        const OrthogonalisedWeights& baked) {
  auto config = model.config();
  config.tied_head = config.tied_head && !baked.unties_head;
  return Transformer(config, baked.weights);
}

// Logits with the direction ablated at every point of every layer, all tokens.
at::Tensor ablated_logits(const Transformer& model, const PackedBatch& batch) {
  SteeringInput input;
  input.directions_LD = direction().expand({3, 16}).contiguous();
  std::vector<SiteEdit> edits;
  for (const auto point : {ResidualPoint::kResidPre, ResidualPoint::kResidMid,
                           ResidualPoint::kResidPost}) {
    Intervention wish;
    wish.operation = "ablate";
    wish.layers = {0, 1, 2};
    wish.point = point;
    const auto own = compile(wish, input, 3);
    edits.insert(edits.end(), own.begin(), own.end());
  }
  InterventionTable table(3, 16);
  const auto configuration = table.add(edits);
  std::vector<RowBinding> rows;
  for (std::int64_t b = 0; b < batch.num_rows(); ++b) {
    rows.push_back({configuration, batch.length(b), -1});
  }
  table.bind(rows);
  ResidualHook* const hook = &table;
  ForwardOptions options;
  options.hooks = HookList(&hook, 1);
  return model.logits(model.forward(batch, options));
}

TEST(Orthogonalise, IsAblationAtAllSitesOnAllTokens) {
  const at::NoGradGuard no_grad;
  const auto batch = pack(random_rows({5, 9, 1}, 29, 3));
  for (const char* more : {"", kBiases, kUntied}) {
    const auto model = tiny_model(more);
    const auto baked =
        orthogonalise_writers(tensors_of(model), model.config(), direction());
    const auto other = baked_model(model, baked);
    const auto got = other.logits(other.forward(batch));
    EXPECT_TRUE(at::allclose(got, ablated_logits(model, batch), 1e-4, 1e-4))
        << more;
    EXPECT_FALSE(
        at::allclose(got, model.logits(model.forward(batch)), 1e-2, 1e-2));
  }
}

TEST(Orthogonalise, LeavesNothingOfTheDirectionAndIsIdempotent) {
  const auto model = tiny_model(kBiases);
  const auto model_weights = tensors_of(model);
  const auto once =
      orthogonalise_writers(model_weights, model.config(), direction());
  EXPECT_EQ(once.writers.size(), 1U + 3U * 4U);
  EXPECT_TRUE(once.unties_head);
  // What fp32 can round, half a unit of each value, is all that is left.
  constexpr double kHalfUnit = 6e-8;
  const auto unit_D = direction() / direction().norm();
  for (const auto& writer : once.writers) {
    const auto& before = model_weights.at(writer.name);
    const auto along = writer.name.ends_with("embed_tokens.weight")
                           ? before.mv(unit_D)
                           : unit_D.matmul(before);
    const double allowed =
        kHalfUnit * before.norm().item<double>() / along.norm().item<double>();
    EXPECT_LT(writer.left, allowed) << writer.name;
    EXPECT_LT(writer.rounding_error, allowed) << writer.name;
  }
  const auto twice = orthogonalise_writers(
      once.weights, baked_model(model, once).config(), direction() * -3.0);
  EXPECT_FALSE(twice.unties_head);
  for (const auto& [name, tensor] : once.weights) {
    EXPECT_TRUE(at::allclose(tensor, twice.weights.at(name), 0.0, 1e-6))
        << name;
  }
}

TEST(Orthogonalise, AShareLeavesTheRest) {
  const auto model = tiny_model(kBiases);
  const auto weights = tensors_of(model);
  const auto part =
      orthogonalise_writers(weights, model.config(), direction(), 0.25);
  for (const auto& writer : part.writers) {
    EXPECT_NEAR(writer.left, 0.75, 1e-5) << writer.name;
  }
  const auto none =
      orthogonalise_writers(weights, model.config(), direction(), 0.0);
  for (const auto& [name, tensor] : weights) {
    EXPECT_TRUE(at::equal(tensor, none.weights.at(name))) << name;
  }
}

TEST(Orthogonalise, OnlyWritersChange) {
  const auto model = tiny_model();
  const auto weights = tensors_of(model);
  const auto baked =
      orthogonalise_writers(weights, model.config(), direction());
  for (const auto& [name, tensor] : weights) {
    const bool writes = name.ends_with("embed_tokens.weight") ||
                        name.ends_with("o_proj.weight") ||
                        name.ends_with("down_proj.weight");
    EXPECT_EQ(baked.weights.at(name).is_same(tensor), !writes) << name;
  }
  // The head reads: it stays what the embedding was.
  EXPECT_TRUE(at::equal(baked.weights.at("lm_head.weight"),
                        weights.at("model.embed_tokens.weight")));
}

TEST(Orthogonalise, SaysWhatTheDtypeCouldNotHold) {
  const auto model = tiny_model();
  auto weights = tensors_of(model);
  for (auto& [name, tensor] : weights) {
    tensor = tensor.to(at::kBFloat16);
  }
  for (const auto& writer :
       orthogonalise_writers(weights, model.config(), direction()).writers) {
    EXPECT_GT(writer.rounding_error, 1e-4) << writer.name;
    EXPECT_LT(writer.left, 0.05) << writer.name;
  }
}

TEST(Orthogonalise, FindsTheLanguageModelInAMultimodalCheckpoint) {
  const auto model = tiny_model();
  TensorMap all;
  for (const auto& [name, tensor] : tensors_of(model)) {
    all["language_model." + name] = tensor;
  }
  all["vision_tower.mlp.down_proj.weight"] = at::zeros({16, 2});
  const auto baked = orthogonalise_writers(all, model.config(), direction());
  EXPECT_EQ(baked.writers.size(), 7U);
  EXPECT_TRUE(baked.weights.contains("language_model.lm_head.weight"));
  EXPECT_TRUE(baked.weights.at("vision_tower.mlp.down_proj.weight")
                  .is_same(all.at("vision_tower.mlp.down_proj.weight")));
}

TEST(Orthogonalise, RefusesWhatItCannotDo) {
  const auto model = tiny_model();
  const auto weights = tensors_of(model);
  const auto& config = model.config();
  EXPECT_THROW(orthogonalise_writers(weights, config, at::zeros({16})), Error);
  EXPECT_THROW(orthogonalise_writers(weights, config, at::zeros({8})), Error);
  EXPECT_THROW(orthogonalise_writers(weights, config, direction(), 1.5), Error);
  auto missing = weights;
  missing.erase("model.layers.1.mlp.down_proj.weight");
  EXPECT_THROW(orthogonalise_writers(missing, config, direction()), Error);
  auto post_norms = config;
  post_norms.traits.post_norms = true;
  EXPECT_THROW(orthogonalise_writers(weights, post_norms, direction()), Error);
}

TEST(UntiedConfig, SaysSoAndKeepsTheRest) {
  const auto config =
      parse_model_config(untied_config(tiny_config_json()), "untied");
  EXPECT_FALSE(config.tied_head);
  EXPECT_EQ(config.width, 16);
}

}  // namespace
}  // namespace veer
