// SPDX-License-Identifier: MIT
#include "veer/model/attach.h"

#include <functional>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"

namespace veer {
namespace {

using ::testing::HasSubstr;

using Weights = std::map<std::string, at::Tensor>;

const Rows kRows = {{1, 2, 3, 4, 5}, {3, 2, 1}, {7, 5, 7, 28}};
const std::string kEmbedding = "model.embed_tokens";
const std::string kHead = "lm_head";
const std::string kQ = "model.layers.1.self_attn.q_proj";

ModelConfig config_of(const std::string& more) {
  return parse_model_config(tiny_config_json(more), "tiny");
}

at::Tensor logits_of(const Transformer& model, const Rows& rows,
                     const AdapterStrength& strength = {}) {
  ForwardOptions options;
  options.adapter = strength;
  const auto batch = pack(rows);
  AdapterStrength per_token = strength;
  if (strength.per_row_B.defined()) {
    per_token.per_row_B = strength.per_row_B.index_select(0, batch.rows_T);
  }
  return model.logits(model.forward(batch, options), per_token);
}

LoraPair random_pair(std::int64_t out, std::int64_t in, Random& random) {
  return {.A_RI = random_tensor({2, in}, random, 0.4),
          .B_OR = random_tensor({out, 2}, random, 0.4),
          .scale = 0.7};
}

at::Tensor product(const LoraPair& pair) {
  return pair.B_OR.matmul(pair.A_RI) * pair.scale;
}

// An adapter of one kind, and the weights of the tuned model by plain means.
struct Kind {
  std::string name;
  std::string more;  // of the config
  std::function<void(Adapter&, Weights&, Random&)> make;
};

void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

// The head's own tensor, where the base ties it.
at::Tensor& head_of(Weights& w) {
  return w.try_emplace("lm_head.weight", w.at("model.embed_tokens.weight"))
      .first->second;
}

const std::string kUntied = R"(, "tie_word_embeddings": false)";

void replace(Adapter& adapter, Weights& w, Random& random,
             const std::string& name) {
  auto& weight = w.at(name);
  weight = weight + random_tensor(weight.sizes(), random, 0.2);
  adapter.weights[name] = weight;
}

std::vector<Kind> kinds() {
  return {
      {"Pair", "",
       [](Adapter& a, Weights& w, Random& r) {
         a.pairs[kQ] = random_pair(32, 16, r);
         w.at(kQ + ".weight") = w.at(kQ + ".weight") + product(a.pairs[kQ]);
       }},
      {"PairOfTheHead", kUntied,
       [](Adapter& a, Weights& w, Random& r) {
         a.pairs[kHead] = random_pair(29, 16, r);
         head_of(w) = head_of(w) + product(a.pairs[kHead]);
       }},
      {"PairOfATiedHead", "",
       [](Adapter& a, Weights& w, Random& r) {
         a.pairs[kHead] = random_pair(29, 16, r);
         head_of(w) = head_of(w) + product(a.pairs[kHead]);
       }},
      {"PairOfATiedEmbedding", "",
       [](Adapter& a, Weights& w, Random& r) {
         head_of(w);
         a.pairs[kEmbedding] = random_pair(16, 29, r);
         auto& table = w.at(kEmbedding + ".weight");
         table = table + product(a.pairs[kEmbedding]).t();
       }},
      {"Tables", kUntied,
       [](Adapter& a, Weights& w, Random& r) {
         replace(a, w, r, kEmbedding + ".weight");
         replace(a, w, r, "lm_head.weight");
       }},
      {"TablesOfATiedModel", "",
       [](Adapter& a, Weights& w, Random& r) {
         head_of(w);
         replace(a, w, r, kEmbedding + ".weight");
         replace(a, w, r, "lm_head.weight");
       }},
      {"Norms", "",
       [](Adapter& a, Weights& w, Random& r) {
         replace(a, w, r, "model.norm.weight");
         replace(a, w, r, "model.layers.0.input_layernorm.weight");
         replace(a, w, r, "model.layers.2.post_attention_layernorm.weight");
       }},
      {"HeadNorms", R"(, "model_type": "qwen3")",
       [](Adapter& a, Weights& w, Random& r) {
         replace(a, w, r, "model.layers.0.self_attn.q_norm.weight");
         replace(a, w, r, "model.layers.1.self_attn.k_norm.weight");
       }},
      {"WholeLayerUnderAPair", "",
       [](Adapter& a, Weights& w, Random& r) {
         replace(a, w, r, kQ + ".weight");
         a.pairs[kQ] = random_pair(32, 16, r);
         w.at(kQ + ".weight") = w.at(kQ + ".weight") + product(a.pairs[kQ]);
       }},
      {"Biases", R"(, "attention_bias": true)",
       [](Adapter& a, Weights& w, Random& r) {
         replace(a, w, r, kQ + ".bias");
         replace(a, w, r, "model.layers.0.self_attn.o_proj.bias");
         a.pairs[kQ] = random_pair(32, 16, r);
         w.at(kQ + ".weight") = w.at(kQ + ".weight") + product(a.pairs[kQ]);
       }},
      {"BiasOfThePair", R"(, "attention_bias": true)",
       [](Adapter& a, Weights& w, Random& r) {
         auto& pair = a.pairs[kQ] = random_pair(32, 16, r);
         pair.bias_O = random_tensor({32}, r);
         w.at(kQ + ".weight") = w.at(kQ + ".weight") + product(pair);
         w.at(kQ + ".bias") = w.at(kQ + ".bias") + pair.bias_O * pair.scale;
       }},
      {"Magnitudes",
       R"(, "attention_bias": true, "tie_word_embeddings": false)",
       [](Adapter& a, Weights& w, Random& r) {
         for (const auto& path : {kQ, kHead, kEmbedding}) {
           const bool table = path == kEmbedding;
           auto weight = w.at(path + ".weight");
           weight = table ? weight.t() : weight;
           auto& pair = a.pairs[path] =
               random_pair(weight.size(0), weight.size(1), r);
           pair.magnitude_O = random_tensor({weight.size(0)}, r, 0.1) + 1.0;
           weight = weight + product(pair);
           weight = weight *
                    (pair.magnitude_O /
                     at::linalg_vector_norm(weight, 2.0, at::IntArrayRef{1}))
                        .unsqueeze(1);
           w.at(path + ".weight") = (table ? weight.t() : weight).contiguous();
         }
       }},
      {"Tokens", "",
       [](Adapter& a, Weights& w, Random& r) {
         head_of(w);
         for (const auto& path : {kHead, kEmbedding}) {
           auto& rows =
               a.tokens[path] = {{5, 3, 28}, random_tensor({3, 16}, r)};
           w.at(path + ".weight") =
               w.at(path + ".weight")
                   .index_copy(0, at::tensor(rows.ids), rows.values_ND);
         }
       }},
      {"TokensUnderAPair", kUntied,
       [](Adapter& a, Weights& w, Random& r) {
         a.tokens[kHead] = {{5, 3}, random_tensor({2, 16}, r)};
         a.pairs[kHead] = random_pair(29, 16, r);
         head_of(w) = head_of(w).index_copy(0, at::tensor({5L, 3L}),
                                            a.tokens[kHead].values_ND) +
                      product(a.pairs[kHead]);
       }},
      {"ScaledEmbedding", R"(, "model_type": "gemma2")",
       [](Adapter& a, Weights& w, Random& r) {
         head_of(w);
         a.pairs[kEmbedding] = random_pair(16, 29, r);
         auto& table = w.at(kEmbedding + ".weight");
         table = table + product(a.pairs[kEmbedding]).t();
         replace(a, w, r, "model.norm.weight");
       }},
  };
}

class AdapterKinds : public ::testing::TestWithParam<Kind> {
 protected:
  AdapterKinds()
      : config_(config_of(GetParam().more)),
        base_(random_weights(config_, 3)),
        model_(config_, base_) {
    Random random(9);
    tuned_ = base_;
    GetParam().make(adapter_, tuned_, random);
  }

  // The model that the weights make, its head stored where they store one.
  Transformer made_of(const Weights& weights) const {
    ModelConfig config = config_;
    config.tied_head = !weights.contains("lm_head.weight");
    return {config, weights};
  }

  ModelConfig config_;
  Weights base_;
  Weights tuned_;
  Transformer model_;
  Adapter adapter_;
};

TEST_P(AdapterKinds, OffIsBitIdenticalToNone) {
  const auto plain = logits_of(model_, kRows);
  model_.attach(adapter_);
  EXPECT_TRUE(at::equal(logits_of(model_, kRows), plain));
  model_.detach();
  EXPECT_TRUE(at::equal(logits_of(model_, kRows, {.uniform = 1.0}), plain));
}

TEST_P(AdapterKinds, OnIsTheTunedModel) {
  const auto plain = logits_of(model_, kRows);
  model_.attach(adapter_);
  const auto on = logits_of(model_, kRows, {.uniform = 1.0});
  EXPECT_TRUE(at::allclose(on, logits_of(made_of(tuned_), kRows), 1e-4, 1e-4));
  EXPECT_FALSE(at::allclose(on, plain, 1e-2, 1e-2));
}

// Every weight W + s (W' - W), beyond the tuned model and on the other side of
// the base as well.
TEST_P(AdapterKinds, AStrengthTakesThatShareOfTheChange) {
  model_.attach(adapter_);
  Weights both = base_;
  if (tuned_.contains("lm_head.weight")) {
    head_of(both);
  }
  for (const double strength : {0.25, -1.0, 1.5}) {
    Weights between = both;
    for (auto& [name, weight] : between) {
      weight = weight + strength * (tuned_.at(name) - weight);
    }
    EXPECT_TRUE(at::allclose(logits_of(model_, kRows, {.uniform = strength}),
                             logits_of(made_of(between), kRows), 1e-3, 1e-3))
        << strength;
  }
}

TEST_P(AdapterKinds, StrengthIsPerRow) {
  model_.attach(adapter_);
  AdapterStrength mixed;
  mixed.per_row_B = at::tensor({1.0F, 0.0F, 0.5F});
  const auto out = logits_of(model_, kRows, mixed);
  const auto off = logits_of(model_, kRows);
  EXPECT_TRUE(at::equal(out.narrow(0, 5, 3), off.narrow(0, 5, 3)));
  EXPECT_TRUE(at::allclose(
      out.narrow(0, 0, 5),
      logits_of(model_, kRows, {.uniform = 1.0}).narrow(0, 0, 5), 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(
      out.narrow(0, 8, 4),
      logits_of(model_, kRows, {.uniform = 0.5}).narrow(0, 8, 4), 1e-5, 1e-5));
}

INSTANTIATE_TEST_SUITE_P(All, AdapterKinds, ::testing::ValuesIn(kinds()),
                         [](const auto& info) { return info.param.name; });

TEST(Attach, LogitsWithoutAStrengthAreRefusedWhereTheyWouldDiffer) {
  Transformer model = tiny_model();
  Random random(1);
  Adapter adapter;
  adapter.pairs[kHead] = random_pair(29, 16, random);
  model.attach(adapter);
  const auto hidden = model.forward(pack(kRows));
  EXPECT_THROW(model.logits(hidden), Error);
  EXPECT_NO_THROW(model.logits(hidden, {}));
  model.detach();
  EXPECT_NO_THROW(model.logits(hidden));
}

TEST(Attach, AWeightLikeTheBasesIsNoChange) {
  Transformer model = tiny_model();
  Adapter adapter;
  for (const auto& [name, weight] : model.weights()) {
    adapter.weights[name] = weight.clone();
  }
  model.attach(adapter);
  EXPECT_NO_THROW(model.logits(model.forward(pack(kRows))));
}

std::string refusal(const Adapter& adapter) {
  Transformer model = tiny_model();
  try {
    model.attach(adapter);
  } catch (const Error& e) {
    EXPECT_FALSE(model.has_adapter());
    return e.what();
  }
  return "accepted";
}

TEST(Attach, NamesWhatDoesNotFit) {
  Random random(1);
  Adapter adapter;
  adapter.weights["model.embed_tokens.weight"] = at::zeros({31, 16});
  EXPECT_THAT(refusal(adapter), HasSubstr("resize_token_embeddings"));
  adapter.weights = {{"score.weight", at::zeros({2, 16})}};
  EXPECT_THAT(refusal(adapter), HasSubstr("score.weight is no weight"));
  adapter.weights = {{"model.norm.weight", at::zeros({15})}};
  EXPECT_THAT(refusal(adapter), HasSubstr("[15]"));
  adapter.weights.clear();
  adapter.tokens[kHead] = {{29}, at::zeros({1, 16})};
  EXPECT_THAT(refusal(adapter), HasSubstr("token 29"));
  adapter.tokens[kHead] = {{1, 2}, at::zeros({1, 16})};
  EXPECT_THAT(refusal(adapter), HasSubstr("[2, 16]"));
  adapter.tokens = {{kQ, {{1}, at::zeros({1, 16})}}};
  EXPECT_THAT(refusal(adapter), HasSubstr("tokens of " + kQ));
  adapter.tokens.clear();
  adapter.pairs[kEmbedding] = random_pair(29, 16, random);
  EXPECT_THAT(refusal(adapter), HasSubstr("A [rank, 29], B [16, rank]"));
  adapter.pairs.clear();
  adapter.pairs[kQ] = random_pair(32, 16, random);
  adapter.pairs[kQ].magnitude_O = at::ones({31});
  EXPECT_THAT(refusal(adapter), HasSubstr("32 numbers"));
}

}  // namespace
}  // namespace veer
