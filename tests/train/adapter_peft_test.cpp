// SPDX-License-Identifier: MIT
//
// Adapters of every kind, filled by a formula, against PEFT's logits.
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "train/peft_values.h"
#include "veer/base/files.h"
#include "veer/model/transformer.h"
#include "veer/train/adapter_files.h"
#include "veer/train/bake.h"

namespace veer::peft {

static void PrintTo(const Case& one, std::ostream* out) {
  *out << one.name;
}

}  // namespace veer::peft

namespace veer {
namespace {

namespace fs = std::filesystem;

at::Tensor filled(const std::string& name, at::IntArrayRef shape) {
  double phase = 0.0;
  for (const char c : name) {
    phase += static_cast<unsigned char>(c);
  }
  const bool around_one = name.find("norm") != std::string::npos ||
                          name.find("magnitude") != std::string::npos;
  const auto tensor = at::empty(shape, at::kFloat);
  auto* data = tensor.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    const auto x = static_cast<double>(i);
    data[i] = static_cast<float>(
        0.4 * std::sin(0.05 * x * x + 0.7 * x + 0.37 * phase) +
        (around_one ? 1.0 : 0.0));
  }
  return tensor;
}

TensorMap base_weights(const ModelConfig& config) {
  TensorMap weights;
  for (const auto& [name, shape] : weight_shapes(config)) {
    weights[name] = filled(name, shape);
  }
  return weights;
}

ModelConfig config_of(bool tied) {
  auto config = parse_model_config(peft::kConfig, "config.json");
  config.tied_head = tied;
  return config;
}

// The stored copy of a base layer's weight is the base's own, except where a
// start changed it, or where the head's is another than the embedding's that it
// is tied to.
at::Tensor stored(const std::string& name, const peft::Case& one,
                  const peft::Shape& shape) {
  const std::string prefix = "base_model.model.";
  const std::string layer = ".base_layer";
  const auto at = name.find(layer + ".weight");
  if (at == std::string::npos ||
      (one.tied && name.find("lm_head") != std::string::npos) ||
      std::string(one.config).find("pissa") != std::string::npos) {
    return filled(name, shape);
  }
  std::string plain = name;
  plain.erase(at, layer.size());
  return filled(plain.substr(prefix.size()), shape);
}

at::Tensor logits_of(const Transformer& model, double strength) {
  ForwardOptions options;
  options.adapter.uniform = strength;
  return model.logits(model.forward(pack({{peft::kIds}}), options),
                      options.adapter);
}

class PeftValues : public ::testing::TestWithParam<peft::Case> {
 protected:
  PeftValues()
      : config_(config_of(GetParam().tied)),
        model_(config_, base_weights(config_)) {
    write(tensors());
  }
  ~PeftValues() override { fs::remove_all(folder_); }

  static TensorMap tensors() {
    TensorMap out;
    for (const auto& [name, shape] : GetParam().tensors) {
      out[name] = stored(name, GetParam(), shape);
    }
    return out;
  }

  void write(const TensorMap& tensors) const {
    write_safetensors(folder_ / "adapter_model.safetensors", tensors);
    write_file(folder_ / "adapter_config.json", GetParam().config);
  }

  double off_from_peft(const Transformer& model, double strength) const {
    const auto& values = GetParam().logits;
    const auto theirs =
        at::tensor(at::ArrayRef<float>(values)).reshape({-1, 11});
    const auto ours = logits_of(model, strength);
    return ((ours - theirs).abs().max() / theirs.abs().max()).item<double>();
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("veer_peft_" + std::to_string(::getpid()));
  ModelConfig config_;
  Transformer model_;
};

TEST_P(PeftValues, AreOurs) {
  const auto plain = logits_of(model_, 0.0);
  model_.attach(read_adapter(folder_, model_));
  EXPECT_LT(off_from_peft(model_, 1.0), 1e-5);
  EXPECT_TRUE(logits_of(model_, 0.0).equal(plain));
}

TEST_P(PeftValues, SurviveWritingAndReadingAgain) {
  const auto [adapter, info] =
      read_adapter_files(folder_, adapter_base(model_));
  write_adapter(folder_, adapter, info);
  model_.attach(read_adapter(folder_, model_));
  EXPECT_LT(off_from_peft(model_, 1.0), 1e-5);
}

TEST_P(PeftValues, AreTheBakedWeights) {
  const auto weights = base_weights(config_);
  const auto adapter = read_adapter(folder_, adapter_base(weights));
  const auto baked = bake_adapter(weights, adapter);
  auto config = config_;
  config.tied_head = config.tied_head && !baked.unties_head;
  EXPECT_LT(off_from_peft({config, baked.weights}, 0.0), 1e-5);
}

// As state_dict() saved directly has them, whatever the adapter was called.
TEST_P(PeftValues, AreReadUnderTheAdaptersName) {
  TensorMap named;
  for (const auto& [name, tensor] : tensors()) {
    std::string other = name;
    const auto after = [&](const std::string& word, const std::string& more) {
      const auto at = other.find(word);
      if (at != std::string::npos) {
        other.insert(at + word.size(), more);
      }
    };
    for (const char* word : {".lora_A", ".lora_B", ".lora_embedding_A",
                             ".lora_embedding_B", ".trainable_tokens_delta"}) {
      after(word, ".mine");
    }
    after(".lora_magnitude_vector", ".mine.weight");
    named[other] = tensor;
  }
  write(named);
  model_.attach(read_adapter(folder_, model_));
  EXPECT_LT(off_from_peft(model_, 1.0), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(All, PeftValues, ::testing::ValuesIn(peft::kCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace veer
