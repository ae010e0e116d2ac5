// SPDX-License-Identifier: MIT
#include "veer/train/adapter_files.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/tensors/safetensors.h"
#include "veer/train/adapter_config.h"
#include "veer/train/lora.h"

namespace veer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const LinearLayers kLayers = {{"model.layers.0.self_attn.q_proj", {4, 6}},
                              {"model.layers.1.self_attn.q_proj", {4, 6}}};

const AdapterBase kBase = {.layers = kLayers};

class AdapterFiles : public ::testing::Test {
 protected:
  AdapterFiles() {
    fs::remove_all(folder_);
    options_.rank = 2;
    options_.alpha = 3.0;
    options_.modules = {"q_proj"};
    adapter_ = make_adapter(kLayers, options_, Random(5));
  }
  ~AdapterFiles() override { fs::remove_all(folder_); }

  std::string refusal(const LinearLayers& layers = kLayers) {
    try {
      read_adapter(folder_, AdapterBase{.layers = layers});
    } catch (const Error& e) {
      return e.what();
    }
    return "accepted";
  }

  const fs::path folder_ = fs::temp_directory_path() /
                           ("veer_adapter_" + std::to_string(::getpid()));
  LoraOptions options_;
  Adapter adapter_;
};

TEST_F(AdapterFiles, RoundTripKeepsFactorsAndScale) {
  options_.rslora = true;
  adapter_ = make_adapter(kLayers, options_, Random(5));
  write_adapter(folder_, adapter_, adapter_info(options_, "base"));
  const auto [read, info] = read_adapter_files(folder_, kBase);
  ASSERT_EQ(read.pairs.size(), 2u);
  for (const auto& [path, pair] : adapter_.pairs) {
    EXPECT_TRUE(at::equal(read.pairs.at(path).A_RI, pair.A_RI));
    EXPECT_TRUE(at::equal(read.pairs.at(path).B_OR, pair.B_OR));
    EXPECT_DOUBLE_EQ(read.pairs.at(path).scale, pair.scale);
  }
  EXPECT_EQ(info.base_model, "base");
  EXPECT_EQ(info.rank, 2);
  EXPECT_TRUE(info.rslora);
}

TEST_F(AdapterFiles, ReadsAnAdapterOfAMultimodalModelUnderPlainNames) {
  Adapter inside;
  for (const auto& [path, pair] : adapter_.pairs) {
    inside.pairs["model.language_model." +
                 path.substr(std::string_view("model.").size())] = pair;
  }
  write_adapter(folder_, inside, adapter_info(options_, "base"));
  EXPECT_EQ(read_adapter_files(folder_, kBase).first.pairs.size(), 2u);
}

TEST_F(AdapterFiles, PairsOfTheirOwnRankAndScaleComeBack) {
  adapter_.pairs.begin()->second = {
      .A_RI = at::ones({3, 6}), .B_OR = at::ones({4, 3}), .scale = 0.5};
  write_adapter(folder_, adapter_, adapter_info(options_, ""));
  const auto read = read_adapter(folder_, kBase);
  EXPECT_EQ(read.pairs.begin()->second.A_RI.size(0), 3);
  EXPECT_DOUBLE_EQ(read.pairs.begin()->second.scale, 0.5);
  EXPECT_DOUBLE_EQ(read.pairs.rbegin()->second.scale, 1.5);
}

TEST_F(AdapterFiles, ChosenLayersAndIrregularSetsComeBack) {
  adapter_.pairs.erase(adapter_.pairs.begin());
  options_.layers = {1};
  write_adapter(folder_, adapter_, adapter_info(options_, ""));
  EXPECT_THAT(read_file(folder_ / "adapter_config.json"),
              HasSubstr("\"layers_to_transform\": [\n    1\n  ]"));
  EXPECT_EQ(read_adapter(folder_, kBase).pairs.size(), 1u);

  adapter_.pairs["model.layers.0.mlp.up_proj"] = {
      .A_RI = at::ones({2, 6}), .B_OR = at::ones({8, 2}), .scale = 1.5};
  write_adapter(folder_, adapter_, adapter_info({.rank = 2, .alpha = 3.0}, ""));
  EXPECT_EQ(read_adapter(folder_).pairs.size(), 2u);
}

TEST_F(AdapterFiles, ReadsFactorsOfAnotherDtypeAsFloat) {
  write_adapter(folder_, adapter_, adapter_info(options_, ""));
  TensorMap tensors;
  for (const auto& [path, pair] : adapter_.pairs) {
    const std::string name = "base_model.model." + path;
    tensors[name + ".lora_A.weight"] = at::full({2, 6}, 0.5, at::kBFloat16);
    tensors[name + ".lora_B.weight"] = at::full({4, 2}, 0.25, at::kHalf);
  }
  write_safetensors(folder_ / "adapter_model.safetensors", tensors);
  const auto read = read_adapter(folder_, kBase);
  const auto& pair = read.pairs.begin()->second;
  EXPECT_EQ(pair.A_RI.scalar_type(), at::kFloat);
  EXPECT_EQ(pair.B_OR[0][0].item<float>(), 0.25F);
}

TEST_F(AdapterFiles, RefusesTensorsThatDoNotFit) {
  write_adapter(folder_, adapter_, adapter_info(options_, ""));
  const fs::path weights = folder_ / "adapter_model.safetensors";
  const std::string q = "base_model.model.model.layers.0.self_attn.q_proj";
  const TensorMap good = read_safetensors(weights).tensors;
  const auto with = [&](const std::string& name, const at::Tensor& tensor) {
    TensorMap changed = good;
    if (tensor.defined()) {
      changed[name] = tensor;
    } else {
      changed.erase(name);
    }
    write_safetensors(weights, changed);
    return refusal();
  };
  EXPECT_EQ(with(q + ".lora_A.weight", good.at(q + ".lora_A.weight")),
            "accepted");
  EXPECT_THAT(with(q + ".lora_A.weight", {}), HasSubstr("lora_B only"));
  EXPECT_THAT(with(q + ".lora_A.weight", at::ones({3, 6})),
              HasSubstr("rank 3"));
  EXPECT_THAT(with(q + ".lora_A.weight", at::ones({2, 7})),
              HasSubstr("maps 7 to 4"));
  EXPECT_THAT(with(q + ".lora_A.weight", at::ones({2, 6}, at::kLong)),
              HasSubstr("dtype Long"));
  EXPECT_THAT(with(q + ".lora_magnitude_vector", at::ones({4})),
              HasSubstr("use_dora is false"));
  EXPECT_THAT(with(q + ".lora_B.bias", at::ones({4})),
              HasSubstr("lora_bias is false"));
  EXPECT_THAT(with("base_model.model.model.embed_tokens.token_adapter."
                   "trainable_tokens_delta",
                   at::ones({2, 6})),
              HasSubstr("0 as trainable_token_indices says"));
  EXPECT_THAT(with("base_model.model.lm_head.lora_A.weight", at::ones({2, 6})),
              HasSubstr("lm_head has lora_A only"));
}

TEST_F(AdapterFiles, NamesWhatATensorIs) {
  const auto refused = [&](const TensorMap& tensors) {
    write_adapter(folder_, adapter_, adapter_info(options_, ""));
    write_safetensors(folder_ / "adapter_model.safetensors", tensors);
    return refusal();
  };
  const std::string q = "model.layers.0.self_attn.q_proj";
  EXPECT_THAT(refused({{q + ".lora_A.weight", at::ones({2, 6})}}),
              AllOf(HasSubstr(q + ".lora_A.weight"),
                    HasSubstr("PEFT would apply nothing of it"),
                    HasSubstr("base_model.model. in front")));
  EXPECT_THAT(
      refused({{"base_model.model." + q + ".lora_a", at::ones({2, 6})}}),
      HasSubstr("MLX"));
  EXPECT_THAT(
      refused({{"base_model.model." + q + ".lora_C.weight", at::ones({2, 6})}}),
      HasSubstr("a kind of LoRA that Veer does not know"));
  EXPECT_THAT(refused({{"word_embeddings", at::ones({2, 6})}}),
              HasSubstr("no adapter"));
  const std::string full = "base_model.model." + q;
  EXPECT_THAT(refused({{full + ".lora_A.one.weight", at::ones({2, 6})},
                       {full + ".lora_B.two.weight", at::ones({4, 2})}}),
              HasSubstr("the adapters one, two"));
}

TEST_F(AdapterFiles, AnAdapterOfTheBareModelIsNamed) {
  Adapter bare;
  for (const auto& [path, pair] : adapter_.pairs) {
    bare.pairs[path.substr(std::string_view("model.").size())] = pair;
  }
  write_adapter(folder_, bare, adapter_info(options_, ""));
  EXPECT_THAT(refusal(), HasSubstr("AutoModel"));
}

TEST_F(AdapterFiles, SavedModulesMustBeThere) {
  write_adapter(folder_, adapter_, adapter_info(options_, ""));
  write_file(folder_ / "adapter_config.json",
             R"({"peft_type":"LORA","r":2,"target_modules":["q_proj"],
                 "modules_to_save":["lm_head"]})");
  EXPECT_THAT(refusal(), HasSubstr("no weight of lm_head"));
}

TEST_F(AdapterFiles, WeightsThatAreTheBasesOwnAreLeftOut) {
  adapter_.weights["model.norm.weight"] = at::ones({6});
  adapter_.weights["lm_head.weight"] = at::ones({9, 6});
  write_adapter(folder_, adapter_, adapter_info(options_, ""));
  AdapterBase base = kBase;
  base.weight = [](const std::string& name) {
    return name == "model.norm.weight" ? at::ones({6}) : at::zeros({9, 6});
  };
  const auto read = read_adapter(folder_, base);
  EXPECT_FALSE(read.weights.contains("model.norm.weight"));
  EXPECT_TRUE(read.weights.contains("lm_head.weight"));
}

TEST_F(AdapterFiles, AStartNeedsTheBase) {
  write_adapter(folder_, adapter_, adapter_info(options_, ""));
  write_file(folder_ / "adapter_config.json",
             R"({"peft_type":"LORA","r":2,"target_modules":["q_proj"],
                 "init_lora_weights":"pissa"})");
  EXPECT_THAT(refusal(), HasSubstr("init_lora_weights"));
}

TEST_F(AdapterFiles, RefusesAnotherModelsAdapter) {
  write_adapter(folder_, adapter_, adapter_info(options_, ""));
  EXPECT_THAT(refusal({kLayers[0]}),
              HasSubstr("no linear layer model.layers.1"));
  auto more = kLayers;
  more.push_back({"model.layers.2.self_attn.q_proj", {4, 6}});
  EXPECT_THAT(refusal(more), HasSubstr("no tensors for model.layers.2"));
}

TEST_F(AdapterFiles, RefusesPicklesAndMissingFiles) {
  EXPECT_THROW(read_adapter(folder_), Error);
  fs::create_directories(folder_);
  write_file(folder_ / "adapter_model.bin", "x");
  EXPECT_THAT(refusal(), HasSubstr("pickle"));
}

}  // namespace
}  // namespace veer
