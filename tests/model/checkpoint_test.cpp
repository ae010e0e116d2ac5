// SPDX-License-Identifier: MIT
#include "veer/model/checkpoint.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"

namespace veer {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using TensorMap = std::map<std::string, at::Tensor>;

constexpr const char* kEmbedding = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";

ModelConfig config_of(bool tied) {
  auto config = parse_model_config(tiny_config_json(), "tiny");
  config.tied_head = tied;
  return config;
}

// The weights under names that `rename` makes of theirs.
template <class Rename>
TensorMap renamed(const TensorMap& weights, const Rename& rename) {
  TensorMap result;
  for (const auto& [name, tensor] : weights) {
    result[rename(name)] = tensor;
  }
  return result;
}

std::string problems_of(bool tied, const TensorMap& stored) {
  ModelConfig config = config_of(tied);
  return fmt::format(
      "{}", fmt::join(place_checkpoint(config, stored).problems, "\n"));
}

class Checkpoint : public testing::Test {
 protected:
  TensorMap untied_ = random_weights(config_of(false), 3);
  TensorMap tied_ = random_weights(config_of(true), 3);
};

TEST_F(Checkpoint, AnotherHeadOfATiedModelIsUsedAndToldOf) {
  ModelConfig config = config_of(true);
  const auto placed = place_checkpoint(config, untied_);
  EXPECT_THAT(placed.problems, IsEmpty());
  EXPECT_FALSE(config.tied_head);
  EXPECT_TRUE(at::equal(placed.tensors.at(kHead), untied_.at(kHead)));
  EXPECT_THAT(placed.notes,
              ElementsAre(AllOf(HasSubstr("tie_word_embeddings"),
                                HasSubstr("the stored head is used"))));
}

TEST_F(Checkpoint, AnEqualHeadOfATiedModelStaysTied) {
  for (const auto dtype : {at::kFloat, at::kDouble, at::kFloat8_e4m3fn}) {
    ModelConfig config = config_of(true);
    tied_[kEmbedding] = at::ones({29, 16});
    tied_[kHead] = tied_.at(kEmbedding).to(dtype);
    const auto placed = place_checkpoint(config, tied_);
    EXPECT_TRUE(config.tied_head);
    EXPECT_FALSE(placed.tensors.contains(kHead));
    EXPECT_THAT(placed.notes, IsEmpty());
    EXPECT_THAT(placed.problems, IsEmpty());
  }
}

TEST_F(Checkpoint, ATiedHeadStandsForAMissingEmbedding) {
  ModelConfig config = config_of(true);
  const auto embedding = tied_.at(kEmbedding);
  tied_.erase(kEmbedding);
  tied_[kHead] = embedding;
  const auto placed = place_checkpoint(config, tied_);
  EXPECT_THAT(placed.problems, IsEmpty());
  EXPECT_TRUE(at::equal(placed.tensors.at(kEmbedding), embedding));
  EXPECT_THAT(placed.notes, ElementsAre(HasSubstr("tied head")));
}

TEST_F(Checkpoint, NamesAreFoundAsTransformersFindsThem) {
  const auto without = [](std::string name) {
    return name.starts_with("model.") ? name.substr(6) : name;
  };
  for (const auto& stored :
       {renamed(untied_, without),
        renamed(untied_, [](const auto& name) { return "model." + name; }),
        renamed(untied_,
                [](const auto& name) { return "language_model." + name; }),
        renamed(untied_, [&](const auto& name) {
          return name == kHead ? name : "model.language_model." + without(name);
        })}) {
    ModelConfig config = config_of(false);
    const auto placed = place_checkpoint(config, stored);
    EXPECT_THAT(placed.problems, IsEmpty()) << stored.begin()->first;
    EXPECT_EQ(placed.tensors.size(), untied_.size());
    for (const auto& [name, tensor] : untied_) {
      EXPECT_TRUE(at::equal(placed.tensors.at(name), tensor)) << name;
    }
  }
}

TEST_F(Checkpoint, AnotherPrefixIsNamed) {
  for (const std::string prefix : {"base_model.model.", "module.", "_orig_mod.",
                                   "transformer.", "pretrained_model."}) {
    const auto stored =
        renamed(untied_, [&](const auto& name) { return prefix + name; });
    EXPECT_THAT(problems_of(false, stored), HasSubstr("\"" + prefix + "\""));
    const auto bare = renamed(untied_, [&](const std::string& name) {
      return prefix + (name.starts_with("model.") ? name.substr(6) : name);
    });
    // "base_model.model.norm" may be "base_model." before "model.norm".
    const auto shown = prefix == "base_model.model." ? "base_model." : prefix;
    EXPECT_THAT(problems_of(false, bare), HasSubstr("\"" + shown + "\""));
  }
}

TEST_F(Checkpoint, OneWeightUnderTwoNamesIsRefused) {
  untied_["norm.weight"] = at::ones({16});
  EXPECT_THAT(problems_of(false, untied_),
              AllOf(HasSubstr("norm.weight"), HasSubstr("model.norm.weight"),
                    HasSubstr("same weight")));
}

TEST_F(Checkpoint, HeadsAndTablesThatPredictNoTokenAreIgnoredWithANote) {
  for (const char* name :
       {"v_head.summary.weight", "score.weight", "classifier.bias",
        "model.layers.0.self_attn.rotary_emb.inv_freq",
        "layers.1.self_attn.rotary_emb.inv_freq",
        "vision_tower.patch.weight"}) {
    ModelConfig config = config_of(false);
    auto stored = untied_;
    stored[name] = at::ones({3});
    const auto placed = place_checkpoint(config, stored);
    EXPECT_THAT(placed.problems, IsEmpty()) << name;
    EXPECT_THAT(placed.notes,
                ElementsAre(AllOf(HasSubstr("ignored"), HasSubstr(name))));
    EXPECT_EQ(placed.tensors.size(), untied_.size());
  }
}

TEST_F(Checkpoint, SaysWhatIsMissingWrongOrTooMuch) {
  auto stored = untied_;
  stored.erase(kHead);
  EXPECT_THAT(problems_of(false, stored),
              AllOf(HasSubstr("lm_head.weight is missing"),
                    HasSubstr("tie_word_embeddings")));
  stored = untied_;
  stored["model.layers.0.mlp.up_proj.weight_scale_inv"] = at::ones({1});
  EXPECT_THAT(problems_of(false, stored), HasSubstr("quantised"));
  stored = untied_;
  stored["model.layers.0.mlp.up_proj.weight"] = at::zeros({24, 16}, at::kChar);
  EXPECT_THAT(problems_of(false, stored), HasSubstr("quantised"));
  stored = untied_;
  stored["model.layers.0.mlp.up_proj.lora_A.weight"] = at::ones({1});
  EXPECT_THAT(problems_of(false, stored), HasSubstr("not merged"));
  stored = untied_;
  stored["model.layers.3.mlp.up_proj.weight"] = at::ones({1});
  EXPECT_THAT(problems_of(false, stored), HasSubstr("3 layers"));
  stored = untied_;
  stored["model.layers.0.mlp.up_proj.bias"] = at::ones({24});
  EXPECT_THAT(problems_of(false, stored), HasSubstr("up_proj.bias"));
  EXPECT_THAT(problems_of(false, {}), HasSubstr("more tensors are missing"));
}

TEST_F(Checkpoint, PaddedEmbeddingsAreRefusedWithTheKeyThatCountsThem) {
  tied_[kEmbedding] = at::ones({32, 16});
  EXPECT_THAT(problems_of(true, tied_),
              AllOf(HasSubstr("[32, 16]"), HasSubstr("[29, 16]"),
                    HasSubstr("vocab_size")));
}

TEST_F(Checkpoint, AllProblemsAreListed) {
  ModelConfig config = config_of(false);
  untied_.erase(kHead);
  untied_["model.norm.weight"] = at::ones({17});
  untied_["what.is.this"] = at::ones({1});
  EXPECT_EQ(place_checkpoint(config, untied_).problems.size(), 3u);
}

}  // namespace
}  // namespace veer
