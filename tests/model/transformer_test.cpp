// SPDX-License-Identifier: MIT
#include "veer/model/transformer.h"

#include <map>
#include <set>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"

namespace veer {
namespace {

using testing::HasSubstr;

TEST(Stories260K, GivesThePublishedLogits) {
  const auto folder = test_data() / "models" / "stories260K";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << folder << " is absent; set VEER_TEST_DATA";
  }
  const Transformer model = load_transformer(folder);
  const c10::AutoGradMode no_grad(false);
  std::vector<std::int32_t> ids{1, 403, 407, 261, 378};
  const auto hidden = model.forward(pack(Rows{ids}));
  const auto logits_V = model.logits(hidden.narrow(0, 4, 1)).squeeze(0);
  EXPECT_NEAR(logits_V[432].item<float>(), 17.7994, 1e-4);
  EXPECT_NEAR(logits_V[383].item<float>(), 14.2813, 1e-4);
  EXPECT_NEAR(logits_V[322].item<float>(), 9.7097, 1e-4);
  std::vector<std::int32_t> continued;
  for (int step = 0; step < 10; ++step) {
    const auto last = model.logits(model.forward(pack(Rows{ids})));
    ids.push_back(static_cast<std::int32_t>(
        last.select(0, -1).argmax().item<std::int64_t>()));
    continued.push_back(ids.back());
  }
  EXPECT_EQ(continued, (std::vector<std::int32_t>{432, 383, 286, 261, 376, 298,
                                                  315, 421, 395, 317}));
}

// A hook that keeps what it sees and adds `delta` times a vector.
class Probe : public ResidualHook {
 public:
  explicit Probe(std::set<ResidualSite> sites) : sites_(std::move(sites)) {}

  bool wants(ResidualSite site) const override {
    return sites_.empty() || sites_.contains(site);
  }
  at::Tensor visit(ResidualSite site, const at::Tensor& hidden_TD,
                   const PackedBatch&) override {
    ++visits[site];
    if (delta_D.defined() && site == write_at) {
      seen[site] = hidden_TD + delta_D;
      return seen[site];
    }
    seen[site] = hidden_TD;
    return hidden_TD;
  }

  std::map<ResidualSite, at::Tensor> seen;
  std::map<ResidualSite, int> visits;
  at::Tensor delta_D;
  ResidualSite write_at;

 private:
  std::set<ResidualSite> sites_;
};

at::Tensor run(const Transformer& model, const Rows& rows,
               std::vector<ResidualHook*> hooks = {},
               AdapterStrength strength = {}) {
  const c10::AutoGradMode no_grad(false);
  ForwardOptions options;
  options.hooks = hooks;
  options.adapter = strength;
  return model.forward(pack(rows), options);
}

const Rows kRows = random_rows({5, 3, 9, 1}, 29, 7);

TEST(Forward, AReadingHookChangesNoBit) {
  const Transformer model = tiny_model();
  Probe probe({});
  const auto plain = run(model, kRows);
  EXPECT_TRUE(at::equal(run(model, kRows, {&probe}), plain));
  EXPECT_EQ(probe.visits.size(), 15U);
  for (const auto& [site, count] : probe.visits) {
    EXPECT_EQ(count, 1) << site.name();
  }
}

TEST(Forward, TheFivePointsAddUp) {
  const Transformer model = tiny_model();
  Probe probe({});
  const auto out = run(model, kRows, {&probe});
  const auto at_point = [&](std::int64_t layer, ResidualPoint point) {
    return probe.seen.at({layer, point});
  };
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(at::equal(at_point(i, ResidualPoint::kResidPre) +
                              at_point(i, ResidualPoint::kAttnOut),
                          at_point(i, ResidualPoint::kResidMid)));
    EXPECT_TRUE(at::equal(at_point(i, ResidualPoint::kResidMid) +
                              at_point(i, ResidualPoint::kMlpOut),
                          at_point(i, ResidualPoint::kResidPost)));
  }
  EXPECT_TRUE(at::equal(at_point(0, ResidualPoint::kResidPost),
                        at_point(1, ResidualPoint::kResidPre)));
  EXPECT_TRUE(at::equal(at_point(2, ResidualPoint::kResidPost), out));
}

TEST(Forward, AddingAVectorMovesTheSiteByIt) {
  const Transformer model = tiny_model();
  Probe reader({});
  const auto plain = run(model, kRows, {&reader});
  Random random(3);
  Probe writer({});
  writer.delta_D = random_tensor({16}, random);
  writer.write_at = {1, ResidualPoint::kResidPost};
  const auto moved = run(model, kRows, {&writer});
  for (const auto& [site, before] : reader.seen) {
    const auto& after = writer.seen.at(site);
    if (site < writer.write_at && site.layer <= 1) {
      EXPECT_TRUE(at::equal(after, before)) << site.name();
    }
  }
  EXPECT_TRUE(at::equal(writer.seen.at(writer.write_at),
                        reader.seen.at(writer.write_at) + writer.delta_D));
  EXPECT_FALSE(at::allclose(moved, plain));
  // The same vector before the next block is the same intervention.
  Probe next({});
  next.delta_D = writer.delta_D;
  next.write_at = {2, ResidualPoint::kResidPre};
  EXPECT_TRUE(at::equal(run(model, kRows, {&next}), moved));
}

TEST(Forward, LastLayerStopsThere) {
  const Transformer model = tiny_model();
  Probe probe({});
  run(model, kRows, {&probe});
  const c10::AutoGradMode no_grad(false);
  // Wants every site of every block; is called in the blocks that run.
  Probe reached({});
  ResidualHook* hooks[] = {&reached};
  ForwardOptions options;
  options.hooks = hooks;
  options.last_layer = 1;
  EXPECT_TRUE(at::equal(model.forward(pack(kRows), options),
                        probe.seen.at({1, ResidualPoint::kResidPost})));
  EXPECT_EQ(probe.visits.size(), 3U * 5U);
  EXPECT_EQ(reached.visits.size(), 2U * 5U);
  for (const auto& [site, count] : reached.visits) {
    EXPECT_LE(site.layer, 1);
    EXPECT_EQ(count, 1) << site.name();
    EXPECT_TRUE(at::equal(reached.seen.at(site), probe.seen.at(site)));
  }
  options.last_layer = 3;
  EXPECT_THROW(model.forward(pack(kRows), options), Error);
}

TEST(Forward, PackedRowsEqualRowsAlone) {
  const Transformer model = tiny_model();
  const auto together = run(model, kRows);
  std::int64_t begin = 0;
  for (const auto& row : kRows) {
    const auto length = static_cast<std::int64_t>(row.size());
    EXPECT_TRUE(at::allclose(together.narrow(0, begin, length),
                             run(model, Rows{row}), 1e-5, 1e-5));
    begin += length;
  }
}

TEST(Forward, RefusesIdsOutsideTheVocabulary) {
  const Transformer model = tiny_model();
  EXPECT_THROW(model.forward(pack(Rows{{1, 29}})), Error);
  EXPECT_THROW(model.forward(pack(Rows{{-1}})), Error);
}

TEST(Adapters, OffIsBitIdenticalToNone) {
  Transformer model = tiny_model();
  const auto plain = run(model, kRows);
  model.attach(random_adapter(model, 2, 5));
  EXPECT_TRUE(model.has_adapter());
  EXPECT_TRUE(at::equal(run(model, kRows), plain));
  const auto tuned = run(model, kRows, {}, {.uniform = 1.0});
  EXPECT_FALSE(at::allclose(tuned, plain));
  model.detach();
  EXPECT_TRUE(at::equal(run(model, kRows, {}, {.uniform = 1.0}), plain));
}

TEST(Adapters, StrengthIsPerRow) {
  Transformer model = tiny_model();
  model.attach(random_adapter(model, 2, 5));
  AdapterStrength mixed;
  mixed.per_row_B = at::empty({4}, at::kFloat);
  for (int b = 0; b < 4; ++b) {
    mixed.per_row_B[b] = b == 1 ? 0.0 : (b == 2 ? 0.5 : 1.0);
  }
  const auto out = run(model, kRows, {}, mixed);
  const auto off = run(model, kRows);
  const auto on = run(model, kRows, {}, {.uniform = 1.0});
  const auto half = run(model, kRows, {}, {.uniform = 0.5});
  EXPECT_TRUE(at::equal(out.narrow(0, 5, 3), off.narrow(0, 5, 3)));
  EXPECT_TRUE(
      at::allclose(out.narrow(0, 0, 5), on.narrow(0, 0, 5), 1e-5, 1e-5));
  EXPECT_TRUE(
      at::allclose(out.narrow(0, 8, 9), half.narrow(0, 8, 9), 1e-5, 1e-5));
}

TEST(Adapters, EqualTheMergedWeights) {
  const ModelConfig config = parse_model_config(tiny_config_json(), "tiny");
  auto weights = random_weights(config, 1);
  Transformer model(config, weights);
  const Adapter adapter = random_adapter(model, 2, 5);
  model.attach(adapter);
  const auto tuned = run(model, kRows, {}, {.uniform = 1.0});
  for (const auto& [path, pair] : adapter.pairs) {
    auto& weight = weights.at(path + ".weight");
    weight = weight + pair.B_OR.matmul(pair.A_RI) * pair.scale;
  }
  const Transformer merged(config, weights);
  EXPECT_TRUE(at::allclose(run(merged, kRows), tuned, 1e-4, 1e-4));
}

TEST(Adapters, RefuseAnotherModelsPairs) {
  Transformer model = tiny_model();
  Adapter adapter = random_adapter(model, 2, 5);
  adapter.pairs["model.layers.3.mlp.up_proj"] = adapter.pairs.begin()->second;
  EXPECT_THROW(model.attach(adapter), Error);
  EXPECT_FALSE(model.has_adapter());
  adapter = random_adapter(model, 2, 5);
  auto& pair = adapter.pairs.begin()->second;
  pair.A_RI = pair.A_RI.narrow(1, 0, 8);
  EXPECT_THROW(model.attach(adapter), Error);
}

// Gradients of sum(out * w) with respect to both factors of every pair.
std::map<std::string, at::Tensor> pair_gradients(Transformer& model,
                                                 Adapter adapter,
                                                 const ForwardOptions& base) {
  for (auto& [path, pair] : adapter.pairs) {
    pair.A_RI = pair.A_RI.detach().clone().set_requires_grad(true);
    pair.B_OR = pair.B_OR.detach().clone().set_requires_grad(true);
  }
  model.attach(adapter);
  const c10::AutoGradMode grad(true);
  const auto out = model.forward(pack(kRows), base);
  Random random(11);
  (out * random_tensor(out.sizes(), random)).sum().backward();
  std::map<std::string, at::Tensor> result;
  for (auto& [path, pair] : adapter.pairs) {
    result[path + ".A"] = pair.A_RI.grad();
    result[path + ".B"] = pair.B_OR.grad();
  }
  return result;
}

TEST(Gradients, RecomputedBlocksGiveTheSame) {
  Transformer model = tiny_model();
  const Adapter adapter = random_adapter(model, 2, 5);
  ForwardOptions options;
  options.adapter.uniform = 1.0;
  options.adapter.dropout = 0.25;
  options.adapter.dropout_seed = 9;
  const auto kept = pair_gradients(model, adapter, options);
  options.checkpoint_blocks = true;
  const auto recomputed = pair_gradients(model, adapter, options);
  for (const auto& [name, gradient] : kept) {
    EXPECT_TRUE(at::equal(recomputed.at(name), gradient)) << name;
    EXPECT_GT(gradient.abs().max().item<float>(), 0.0F) << name;
  }
  options.adapter.dropout_seed = 10;
  const auto other = pair_gradients(model, adapter, options);
  const auto& [name, gradient] = *kept.begin();
  EXPECT_FALSE(at::equal(other.at(name), gradient));
}

TEST(Gradients, AgreeWithFiniteDifferences) {
  Transformer model = tiny_model();
  const Adapter adapter = random_adapter(model, 2, 5);
  ForwardOptions options;
  options.adapter.uniform = 1.0;
  const auto gradients = pair_gradients(model, adapter, options);
  const auto value = [&](const std::string& path, double step) {
    Adapter moved = adapter;
    auto& pair = moved.pairs.at(path);
    pair.A_RI = pair.A_RI.clone();
    pair.A_RI[1][2] += step;
    model.attach(moved);
    const auto out = run(model, kRows, {}, {.uniform = 1.0});
    Random random(11);
    return (out * random_tensor(out.sizes(), random))
        .to(at::kDouble)
        .sum()
        .item<double>();
  };
  for (const char* path :
       {"model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.k_proj",
        "model.layers.1.self_attn.v_proj", "model.layers.0.mlp.gate_proj",
        "model.layers.2.mlp.down_proj"}) {
    const double slope = (value(path, 1e-2) - value(path, -1e-2)) / 2e-2;
    const double found =
        gradients.at(std::string(path) + ".A")[1][2].item<double>();
    EXPECT_NEAR(found, slope, 2e-2 * std::max(1.0, std::abs(slope))) << path;
  }
}

TEST(Weights, AreTheModelsOwnAndComeInOrder) {
  const Transformer model = tiny_model();
  const auto weights = model.weights();
  const auto shapes = weight_shapes(model.config());
  ASSERT_EQ(weights.size(), shapes.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EXPECT_EQ(weights[i].first, shapes[i].first);
  }
  EXPECT_EQ(weights.front().first, "model.embed_tokens.weight");
  EXPECT_EQ(weights.back().first, "model.norm.weight");
  const auto before = run(model, kRows);
  weights[1].second.mul_(2.0);
  EXPECT_FALSE(at::allclose(run(model, kRows), before));
}

TEST(Weights, RefuseMissingUnexpectedAndMisshaped) {
  const ModelConfig config = parse_model_config(tiny_config_json(), "tiny");
  const auto good = random_weights(config, 1);
  auto weights = good;
  weights.erase("model.layers.2.mlp.up_proj.weight");
  EXPECT_THROW(Transformer(config, weights), Error);
  weights = good;
  weights["model.layers.3.mlp.up_proj.weight"] = at::ones({24, 16});
  EXPECT_THROW(Transformer(config, weights), Error);
  weights = good;
  weights["model.layers.2.mlp.up_proj.weight"] = at::ones({24, 15});
  EXPECT_THROW(Transformer(config, weights), Error);
  weights = good;
  weights["lm_head.weight"] = at::ones({29, 16});
  // What a tied model's other head means is for place_checkpoint() to say.
  EXPECT_THROW(Transformer(config, weights), Error);
}

TEST(Fingerprint, FollowsWeightsAndConfig) {
  const auto first = tiny_model().fingerprint();
  EXPECT_EQ(tiny_model().fingerprint(), first);
  EXPECT_NE(tiny_model("", 2).fingerprint(), first);
  EXPECT_NE(tiny_model(R"(, "rope_theta": 5e5)").fingerprint(), first);
}

}  // namespace
}  // namespace veer
