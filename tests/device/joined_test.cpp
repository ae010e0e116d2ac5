// SPDX-License-Identifier: MIT
//
// On a card the layers that read one input are one product, and what their
// pairs add are few: whatever the adapter changes, it gives what the layers by
// themselves give on the CPU.
#include <map>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include "device/fake/memory.h"
#include "device/support.h"
#include "model/family_fixtures.h"
#include "veer/model/linear_group.h"

namespace veer::testing {
namespace {

constexpr double kRounding = 1e-5;

// Leaves the states alone, and lets no part be added in place.
class Bystander : public ResidualHook {
 public:
  bool wants(ResidualSite site) const override {
    return site.point == ResidualPoint::kAttnOut ||
           site.point == ResidualPoint::kMlpOut;
  }
  at::Tensor visit(ResidualSite, const at::Tensor& hidden_TD,
                   const PackedBatch&) override {
    return hidden_TD;
  }
};

std::vector<AdapterStrength> strengths() {
  std::vector<AdapterStrength> all;
  for (const double uniform : {1.0, 0.5, -0.7}) {
    all.push_back({.uniform = uniform});
  }
  AdapterStrength mixed;
  mixed.per_row_B = at::tensor({0.0F, 1.0F, 0.3F}, at::kFloat);
  all.push_back(mixed);
  return all;
}

at::Tensor logits(const Transformer& model, const AdapterStrength& strength,
                  HookList hooks = {}) {
  const at::NoGradGuard no_grad;
  ForwardOptions options;
  options.hooks = hooks;
  options.adapter = strength;
  const auto batch = pack(texts_of({9, 6, 12}), model.device());
  const auto hidden_TD = model.forward(batch, options);
  return model.logits(hidden_TD, {.uniform = 0.0});
}

// A pair for each layer of the names, of rank 1, 2, 3 and so on.
Adapter adapter_on(const Transformer& model,
                   const std::vector<std::string>& names,
                   std::int64_t first_rank = 1) {
  Random random(7);
  Adapter adapter;
  for (const auto& [path, size] : model.linear_layers()) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (path.ends_with(names[i])) {
        const auto rank = first_rank + static_cast<std::int64_t>(i);
        adapter.pairs[path] = {random_tensor({rank, size.second}, random, 0.3),
                               random_tensor({size.first, rank}, random, 0.3),
                               0.5};
      }
    }
  }
  return adapter;
}

class Joined : public ::testing::Test {
 protected:
  Joined() { at::set_num_threads(1); }

  void expect_same(const Adapter& adapter) {
    host_.attach(adapter);
    model_.attach(adapter);
    for (const auto& strength : strengths()) {
      expect_close(logits(model_, strength), logits(host_, strength),
                   kRounding);
    }
  }

  Transformer host_ = tiny_model_on(at::kCPU);
  Transformer model_ = tiny_model_on(tested_device());
};

TEST_F(Joined, AdaptersOnSomeOfTheLayers) {
  const std::vector<std::vector<std::string>> wishes = {
      {"q_proj"},
      {"k_proj"},
      {"v_proj", "q_proj"},
      {"q_proj", "k_proj", "v_proj"},
      {"o_proj"},
      {"up_proj"},
      {"gate_proj", "up_proj", "down_proj"}};
  const auto off = logits(model_, {});
  for (const auto& names : wishes) {
    SCOPED_TRACE(::testing::PrintToString(names));
    expect_same(adapter_on(host_, names));
    EXPECT_TRUE(at::equal(logits(model_, {}).cpu(), off.cpu()));
  }
  model_.detach();
  EXPECT_TRUE(at::equal(logits(model_, {}).cpu(), off.cpu()));
}

TEST_F(Joined, RanksThatTheWeightsHaveNoRoomFor) {
  expect_same(adapter_on(host_, {"q_proj", "k_proj", "v_proj", "up_proj"}, 90));
  // And back into the room.
  expect_same(adapter_on(host_, {"q_proj", "k_proj", "v_proj", "up_proj"}));
}

// One layer of a group needs more than a pair: the whole group goes by layers.
TEST_F(Joined, MagnitudesBiasesAndWholeWeightsBesidePairs) {
  auto adapter = adapter_on(host_, {"q_proj", "k_proj", "up_proj", "o_proj"});
  Random random(3);
  adapter.pairs["model.layers.0.self_attn.k_proj"].magnitude_O =
      random_tensor({16}, random, 0.1) + 1.0;
  adapter.pairs["model.layers.1.self_attn.q_proj"].bias_O =
      random_tensor({32}, random, 0.1);
  adapter.pairs["model.layers.1.self_attn.o_proj"].magnitude_O =
      random_tensor({16}, random, 0.1) + 1.0;
  adapter.weights["model.layers.2.mlp.gate_proj.weight"] =
      random_tensor({24, 16}, random, 0.3);
  expect_same(adapter);
}

TEST_F(Joined, PairsThatChangeAfterTheyWereAttached) {
  auto adapter = adapter_on(host_, {"q_proj", "up_proj", "down_proj"});
  for (auto& [path, pair] : adapter.pairs) {
    pair.A_RI = pair.A_RI.to(model_.device());
    pair.B_OR = pair.B_OR.to(model_.device());
  }
  model_.attach(adapter);
  const auto before = logits(model_, {.uniform = 1.0});
  Adapter doubled = adapter;
  for (auto& [path, pair] : adapter.pairs) {
    pair.B_OR.mul_(2.0);
    doubled.pairs[path].B_OR = pair.B_OR.cpu();
    doubled.pairs[path].A_RI = pair.A_RI.cpu();
  }
  host_.attach(doubled);
  const auto after = logits(model_, {.uniform = 1.0});
  EXPECT_FALSE(at::equal(before.cpu(), after.cpu()));
  expect_close(after, logits(host_, {.uniform = 1.0}), kRounding);
}

TEST_F(Joined, PartsThatAHookSeesAreTheSame) {
  const auto adapter = random_adapter(host_, 2, 5);
  host_.attach(adapter);
  model_.attach(adapter);
  Bystander bystander;
  ResidualHook* const hook = &bystander;
  for (const auto& strength : strengths()) {
    const auto seen = logits(model_, strength, {&hook, 1});
    expect_close(seen, logits(model_, strength), kRounding);
    expect_close(seen, logits(host_, strength), kRounding);
  }
}

// Trained weights are in the graph themselves, and gradients pass through a
// joined product and an attached adapter.
TEST_F(Joined, Gradients) {
  const auto adapter = random_adapter(host_, 2, 5);
  const auto gradients = [&](Transformer& model, bool tuned) {
    if (tuned) {
      model.attach(adapter);
    }
    std::map<std::string, at::Tensor> result;
    std::vector<std::pair<std::string, at::Tensor>> trained;
    for (auto& [name, weight] : model.weights()) {
      const bool layer_0 = name.starts_with("model.layers.0.");
      if (!tuned ? layer_0 : name == "model.layers.0.input_layernorm.weight") {
        trained.emplace_back(name, weight.requires_grad_());
      }
    }
    const auto batch = pack(texts_of({9, 6, 12}), model.device());
    ForwardOptions options;
    options.adapter.uniform = tuned ? 0.5 : 0.0;
    model.forward(batch, options).square().sum().backward();
    for (auto& [name, weight] : trained) {
      result[name] = weight.grad().cpu();
      weight.mutable_grad() = at::Tensor();
      weight.requires_grad_(false);
    }
    return result;
  };
  for (const bool tuned : {false, true}) {
    const auto ours = gradients(model_, tuned);
    const auto theirs = gradients(host_, tuned);
    ASSERT_EQ(ours.size(), tuned ? 1 : 9);
    for (const auto& [name, gradient] : theirs) {
      SCOPED_TRACE(name);
      expect_close(ours.at(name), gradient, 1e-4);
    }
  }
}

// Biases, one qkv_proj, norms of queries and keys: an adapter on every layer.
TEST(JoinedFamilies, GiveWhatTheyGiveOnTheCpu) {
  at::set_num_threads(1);
  const at::NoGradGuard no_grad;
  for (const auto& name : family_names()) {
    SCOPED_TRACE(name);
    const auto family = read_family(name);
    auto model = load_transformer(family.folder, at::kFloat, tested_device());
    auto host = load_transformer(family.folder, at::kFloat);
    EXPECT_EQ(model.fingerprint(), host.fingerprint());
    const auto adapter = random_adapter(host, 3, 5);
    const auto states = [&](Transformer& of) {
      of.attach(adapter);
      ForwardOptions options;
      options.adapter.uniform = 0.8;
      return of.forward(pack(family.ids, of.device()), options);
    };
    expect_close(states(model), states(host), kRounding);
  }
}

// In 16 bit the pairs' products are taken in the model's dtype. They are as
// near to fp32 as the layers by themselves, which take them in fp32.
TEST(JoinedIn16Bit, IsAsNearToFp32AsTheLayersByThemselves) {
  at::set_num_threads(1);
  for (const auto dtype : {at::kBFloat16, at::kHalf}) {
    Transformer exact = tiny_model_on(at::kCPU);
    Transformer host = tiny_model_on(at::kCPU, dtype);
    Transformer model = tiny_model_on(tested_device(), dtype);
    const auto adapter = random_adapter(exact, 4, 5);
    for (Transformer* of : {&exact, &host, &model}) {
      of->attach(adapter);
    }
    for (const auto& strength : strengths()) {
      const auto truth = logits(exact, strength);
      const auto error = [&](const Transformer& of) {
        const auto own = logits(of, strength).cpu().to(at::kDouble);
        return ((own - truth).norm() / truth.norm()).item<double>();
      };
      EXPECT_GT(error(model), 0.0);
      EXPECT_LE(error(model), 1.3 * error(host));
    }
  }
}

// Small numbers of a pair are not lost in float16: what is far below 6e-8 when
// it is multiplied out is still there.
TEST(JoinedIn16Bit, KeepsSmallPairs) {
  at::set_num_threads(1);
  Transformer exact = tiny_model_on(at::kCPU);
  Transformer model = tiny_model_on(tested_device(), at::kHalf);
  auto adapter = random_adapter(exact, 4, 5);
  for (auto& [path, pair] : adapter.pairs) {
    pair.B_OR *= 1e-9;
  }
  exact.attach(adapter);
  model.attach(adapter);
  // As much as a strength can bring back.
  const AdapterStrength strength{.uniform = 1e9};
  expect_close(logits(model, strength), logits(exact, strength), 1e-2);
}

TEST(JoinedMemory, WeightsAreHeldOnce) {
  if (is_real_device()) {
    GTEST_SKIP() << "bytes of the fake device";
  }
  const auto family = read_family("llama3");
  const auto before = fake::memory().used();
  fake::memory().reset_peak();
  const auto model =
      load_transformer(family.folder, at::kFloat, fake::device());
  const auto used = fake::memory().used() - before;
  std::size_t expected = 0;
  std::size_t tensors = 0;
  for (const auto& [name, weight] : model.weights()) {
    expected += weight.nbytes();
    ++tensors;
  }
  // Room for rank 64 in five layers of a block, 512 bytes for rounding.
  expected += 5 * 64 * 4 * model.config().width * model.config().num_layers;
  EXPECT_LE(used, expected + 512 * tensors);
  EXPECT_LE(fake::memory().peak() - before, expected + 512 * tensors);
}

}  // namespace
}  // namespace veer::testing
