// SPDX-License-Identifier: MIT
#include "veer/model/load.h"

#include <filesystem>

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "model/tiny_models.h"
#include "veer/base/files.h"
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

}  // namespace
}  // namespace veer
