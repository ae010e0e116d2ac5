// SPDX-License-Identifier: MIT
#include "veer/model/load.h"

#include <filesystem>

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/model/fingerprint.h"
#include "veer/tensors/safetensors.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

// The folder of a checkpoint in fp16, which a CPU turns into fp32.
class Load : public ::testing::Test {
 protected:
  Load() : folder_(fs::path(::testing::TempDir()) / "veer_load") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    write_file(folder_ / "config.json", tiny_config_json());
    TensorMap tensors;
    for (const auto& [name, tensor] : tiny_model().weights()) {
      tensors[name] = tensor.to(at::kHalf);
    }
    write_safetensors(folder_ / "model.safetensors", tensors);
  }

  fs::path folder_;
};

TEST_F(Load, TensorsThatWereReadAreNotReadAgain) {
  const Transformer loaded = load_transformer(folder_);
  const TensorMap tensors = read_model_tensors(folder_);
  const TensorMap before = tensors;
  fs::remove(folder_ / "model.safetensors");
  const Transformer made = transformer_of(folder_, tensors);
  EXPECT_EQ(made.fingerprint(), loaded.fingerprint());
  EXPECT_EQ(made.dtype(), at::kFloat);
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(tensor.scalar_type(), at::kHalf) << name;
    EXPECT_TRUE(at::equal(tensor, before.at(name))) << name;
  }
}

TEST_F(Load, TheFingerprintIsOfTheStoredWeights) {
  const Transformer widened = load_transformer(folder_);
  const Transformer half = load_transformer(folder_, at::kHalf);
  const Transformer narrow = load_transformer(folder_, at::kBFloat16);
  EXPECT_EQ(widened.dtype(), at::kFloat);
  EXPECT_EQ(half.fingerprint(), widened.fingerprint());
  EXPECT_EQ(narrow.fingerprint(), widened.fingerprint());
  // As of a run in the stored dtype ever since.
  EXPECT_EQ(model_fingerprint(half.config(), half.weights()),
            half.fingerprint());
  // What earlier versions took of a run in another dtype is still this model's.
  for (const Transformer* model : {&widened, &half, &narrow}) {
    EXPECT_TRUE(narrow.has_fingerprint(
        model_fingerprint(model->config(), model->weights())));
  }
  EXPECT_FALSE(narrow.has_fingerprint(tiny_model("", 2).fingerprint()));
}

// The dtypes that a model stored as given runs in, and what is said.
class AutoDtype : public Load {
 protected:
  at::ScalarType loaded(const std::string& key, at::ScalarType embedding,
                        at::ScalarType rest) {
    write_file(folder_ / "config.json", tiny_config_json(key));
    TensorMap tensors;
    for (const auto& [name, tensor] : tiny_model().weights()) {
      tensors[name] =
          tensor.to(name == "model.embed_tokens.weight" ? embedding : rest);
    }
    write_safetensors(folder_ / "model.safetensors", tensors);
    said_.clear();
    return load_transformer(folder_, {}, at::kCPU,
                            [&](std::string_view note) { said_ += note; })
        .dtype();
  }
  std::string said_;
};

TEST_F(AutoDtype, AWideEmbeddingDoesNotWidenTheModel) {
  EXPECT_EQ(loaded(R"(, "dtype": "bfloat16")", at::kFloat, at::kBFloat16),
            at::kBFloat16);
  EXPECT_THAT(said_, testing::HasSubstr("the dtype of config.json"));
  EXPECT_EQ(loaded("", at::kFloat, at::kBFloat16), at::kBFloat16);
  EXPECT_THAT(said_, testing::HasSubstr("most of its weights"));
  EXPECT_EQ(loaded(R"(, "torch_dtype": "float32")", at::kFloat, at::kBFloat16),
            at::kFloat);
}

TEST_F(AutoDtype, NothingIsSaidOfOneDtype) {
  EXPECT_EQ(loaded("", at::kBFloat16, at::kBFloat16), at::kBFloat16);
  EXPECT_EQ(said_, "");
  EXPECT_EQ(loaded("", at::kHalf, at::kHalf), at::kFloat);
  EXPECT_EQ(said_, "");
  EXPECT_EQ(loaded(R"(, "dtype": "float32")", at::kFloat, at::kFloat),
            at::kFloat);
  EXPECT_EQ(said_, "");
}

TEST_F(Load, TheCheckSaysWhatTheLoaderSays) {
  const ModelCheck good = check_model_folder(folder_);
  EXPECT_TRUE(good.problems.empty());
  EXPECT_EQ(good.config->num_layers, 3);
  EXPECT_EQ(good.dtype, "float32");
  write_file(folder_ / "config.json",
             tiny_config_json(R"(, "tie_word_embeddings": false)"));
  const ModelCheck headless = check_model_folder(folder_);
  ASSERT_EQ(headless.problems.size(), 1u);
  try {
    load_transformer(folder_);
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.what(), headless.problems[0]);
  }
  fs::remove(folder_ / "model.safetensors");
  write_file(folder_ / "config.json", "{}");
  EXPECT_EQ(check_model_folder(folder_).problems.size(), 2u);
}

TEST_F(Load, AStoredHeadOfATiedModelDecidesTheLogits) {
  TensorMap tensors;
  for (const auto& [name, tensor] : tiny_model().weights()) {
    tensors[name] = tensor;
  }
  tensors["lm_head.weight"] = tensors.at("model.embed_tokens.weight") * 2.0;
  const Transformer model = transformer_of(folder_, tensors);
  const Transformer tied = tiny_model();
  const auto batch = pack(Rows{{1, 2, 3}});
  EXPECT_TRUE(at::allclose(model.logits(model.forward(batch)),
                           tied.logits(tied.forward(batch)) * 2.0));
}

}  // namespace
}  // namespace veer
