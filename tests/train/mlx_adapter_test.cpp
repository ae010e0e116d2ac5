// SPDX-License-Identifier: MIT
#include "veer/train/mlx_adapter.h"

#include <functional>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/train/adapter_files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kQ = "model.layers.1.self_attn.q_proj";
const Rows kRows = {{1, 2, 3, 4, 5}};

class MlxAdapter : public ::testing::Test {
 protected:
  ~MlxAdapter() override { fs::remove_all(folder_); }

  void write(const std::string& config, const TensorMap& tensors) {
    write_file(folder_ / "adapter_config.json", config);
    write_safetensors(folder_ / "adapters.safetensors", tensors);
  }

  std::string refusal() {
    try {
      read_adapter(folder_, tiny_model());
    } catch (const Error& e) {
      return e.what();
    }
    return "accepted";
  }

  at::Tensor logits(const Transformer& model, double strength) {
    ForwardOptions options;
    options.adapter.uniform = strength;
    return model.logits(model.forward(pack(kRows), options), options.adapter);
  }

  // The adapter's logits are those of the weights changed as `change` does.
  void expect_weights(
      const std::function<void(std::map<std::string, at::Tensor>&)>& change) {
    ModelConfig config = parse_model_config(tiny_config_json(), "tiny");
    auto weights = random_weights(config, 1);
    Transformer model(config, weights);
    model.attach(read_adapter(folder_, model));
    change(weights);
    config.tied_head = !weights.contains("lm_head.weight");
    const auto on = logits(model, 1.0);
    EXPECT_TRUE(at::allclose(on, logits({config, weights}, 0.0), 1e-4, 1e-4));
    EXPECT_FALSE(at::allclose(on, logits(model, 0.0), 1e-2, 1e-2));
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("veer_mlx_" + std::to_string(::getpid()));
  Random random_{4};
  at::Tensor a_ = random_tensor({16, 2}, random_, 0.5);
  at::Tensor b_ = random_tensor({2, 32}, random_, 0.5);
};

const char* const kLora =
    R"({"fine_tune_type": "lora", "num_layers": 2, "lora_parameters":
        {"rank": 2, "scale": 1.5, "dropout": 0.0,
         "keys": ["self_attn.q_proj"]}})";

TEST_F(MlxAdapter, AddsTheScaledProduct) {
  write(kLora, {{kQ + ".lora_a", a_}, {kQ + ".lora_b", b_}});
  EXPECT_TRUE(is_mlx_adapter(folder_));
  expect_weights([&](auto& w) {
    w.at(kQ + ".weight") = w.at(kQ + ".weight") + a_.matmul(b_).t() * 1.5;
  });
}

TEST_F(MlxAdapter, DoraHasTheLengthsItLearned) {
  const auto m = random_tensor({32}, random_, 0.1) + 1.0;
  write(R"({"fine_tune_type": "dora", "num_layers": 2, "lora_parameters":
            {"rank": 2, "scale": 1.5, "dropout": 0.0}})",
        {{kQ + ".lora_a", a_}, {kQ + ".lora_b", b_}, {kQ + ".m", m}});
  expect_weights([&](auto& w) {
    auto& weight = w.at(kQ + ".weight");
    weight = weight + a_.matmul(b_).t() * 1.5;
    weight =
        weight * (m / at::linalg_vector_norm(weight, 2.0, at::IntArrayRef{1}))
                     .unsqueeze(1);
  });
}

TEST_F(MlxAdapter, APairOfATiedEmbeddingIsTheHeadsToo) {
  const auto a = random_tensor({29, 2}, random_, 0.5);
  const auto b = random_tensor({2, 16}, random_, 0.5);
  const std::string name = "model.embed_tokens";
  write(R"({"num_layers": 2, "lora_parameters": {"rank": 2, "scale": 1.5,
            "keys": ["model.embed_tokens"]}})",
        {{name + ".lora_a", a}, {name + ".lora_b", b}});
  expect_weights([&](auto& w) {
    auto& table = w.at(name + ".weight");
    table = table + a.matmul(b) * 1.5;
  });
}

TEST_F(MlxAdapter, FullFineTuningIsWeights) {
  const auto norm = random_tensor({16}, random_) + 1.0;
  write(R"({"fine_tune_type": "full", "num_layers": 2})",
        {{"model.norm.weight", norm}});
  expect_weights([&](auto& w) { w.at("model.norm.weight") = norm; });
}

TEST_F(MlxAdapter, RefusalsNameMlxAndTheWayOut) {
  const auto refused = [&](const std::string& config, const TensorMap& all) {
    write(config, all);
    return refusal();
  };
  const TensorMap good = {{kQ + ".lora_a", a_}, {kQ + ".lora_b", b_}};
  EXPECT_EQ(refused(kLora, good), "accepted");
  const std::string v = "model.layers.1.self_attn.v_proj.lora_a";
  TensorMap more = good;
  more[v] = a_;
  EXPECT_THAT(refused(kLora, more),
              AllOf(HasSubstr("MLX"), HasSubstr(v), HasSubstr("keys"),
                    HasSubstr("convert")));
  EXPECT_THAT(refused(kLora, {{kQ + ".lora_a", a_}}), HasSubstr("lacks"));
  EXPECT_THAT(refused(kLora, {{kQ + ".weight", a_}}), HasSubstr("weight"));
  EXPECT_THAT(refused(R"({"lora_parameters": {"rank": 3, "scale": 1}})", good),
              HasSubstr("rank 2"));
  EXPECT_THAT(refused(R"({"lora_parameters": {"rank": 2}})", good),
              HasSubstr("no number scale"));
  EXPECT_THAT(refused(R"({"lora_parameters":
                          {"rank": 2, "scale": 1, "alpha": 16}})",
                      good),
              HasSubstr("alpha"));
  EXPECT_THAT(refused(R"({"fine_tune_type": "new"})", good),
              HasSubstr("fine_tune_type"));
  fs::remove(folder_ / "adapters.safetensors");
  write_file(folder_ / "adapters.npz", "x");
  EXPECT_THAT(refusal(), HasSubstr("mx.save_safetensors"));
}

}  // namespace
}  // namespace veer
