// SPDX-License-Identifier: MIT
#include "veer/train/checkpoint.h"

#include <cmath>
#include <filesystem>

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "veer/base/error.h"
#include "veer/tensors/safetensors.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

class Checkpoint : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / "checkpoint_test";
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  static Adapter adapter(double value) {
    Adapter adapter;
    adapter.pairs["model.layers.0.self_attn.q_proj"] = {
        at::full({2, 3}, value), at::full({4, 2}, value), 0.5};
    return adapter;
  }
  static AdamW optimizer(const Adapter& adapter) {
    const auto& pair = adapter.pairs.begin()->second;
    return {{{"A", pair.A_RI}, {"B", pair.B_OR}}, {}};
  }

  fs::path folder_;
};

TEST_F(Checkpoint, BringsBackFactorsOptimizerStepAndMetrics) {
  const Adapter saved = adapter(1.5);
  AdamW trained = optimizer(saved);
  for (const auto& parameter : trained.parameters()) {
    auto value = parameter.value;
    value.mutable_grad() = at::full(value.sizes(), 0.1);
  }
  trained.step(0.01);
  TrainState state;
  state.step = 7;
  state.rows = {{.step = 5, .values = {{"train/loss", 0.25}}},
                {.step = 7, .values = {{"eval/loss", std::nan("")}}}};
  state.rows.insert(state.rows.begin(),
                    {.step = 1, .values = {{kHeldOutLoss, 0.1}}});
  state.best = {.step = 1, .loss = 0.1, .adapter = adapter(4.0)};
  write_checkpoint(folder_, saved, trained, state, "run one");

  const Adapter fresh = adapter(0.0);
  AdamW restored = optimizer(fresh);
  const TrainState found = read_checkpoint(folder_, fresh, restored, "run one");
  EXPECT_EQ(found.step, 7);
  ASSERT_EQ(found.rows.size(), 3U);
  EXPECT_EQ(found.rows[1].values.at("train/loss"), 0.25);
  EXPECT_TRUE(std::isnan(found.rows[2].values.at(kHeldOutLoss)));
  EXPECT_EQ(found.best.step, 1);
  EXPECT_EQ(found.best.loss, 0.1);
  EXPECT_TRUE(at::equal(found.best.adapter.pairs.begin()->second.B_OR,
                        at::full({4, 2}, 4.0)));
  const auto& pair = fresh.pairs.begin()->second;
  EXPECT_TRUE(at::equal(pair.A_RI, saved.pairs.begin()->second.A_RI));
  EXPECT_EQ(restored.num_steps(), 1);
  EXPECT_TRUE(at::equal(restored.state().at("m.A"), trained.state().at("m.A")));
}

TEST_F(Checkpoint, NoneMeansStepZero) {
  const Adapter fresh = adapter(2.0);
  AdamW untouched = optimizer(fresh);
  EXPECT_EQ(read_checkpoint(folder_, fresh, untouched, "run").step, 0);
  EXPECT_EQ(fresh.pairs.begin()->second.A_RI[0][0].item<double>(), 2.0);
}

TEST_F(Checkpoint, OfAnotherRunIsRefused) {
  const Adapter saved = adapter(1.0);
  AdamW trained = optimizer(saved);
  write_checkpoint(folder_, saved, trained, {}, "run one");
  EXPECT_THROW(read_checkpoint(folder_, saved, trained, "run two"), Error);
  // Other shapes under the same name of the run.
  Adapter wider;
  wider.pairs["model.layers.0.self_attn.q_proj"] = {at::zeros({5, 3}),
                                                    at::zeros({4, 5}), 0.5};
  AdamW other = optimizer(wider);
  EXPECT_THROW(read_checkpoint(folder_, wider, other, "run one"), Error);
}

TEST_F(Checkpoint, DamagedMetadataIsOneError) {
  const Adapter saved = adapter(1.0);
  AdamW trained = optimizer(saved);
  write_checkpoint(folder_, saved, trained, {}, "run");
  const fs::path path = folder_ / "checkpoint.safetensors";
  const auto file = read_safetensors(path);
  for (const auto& [key, text] :
       std::vector<std::pair<std::string, std::string>>{
           {"step", "seven"},
           {"step", ""},
           {"rows", "[[1]]"},
           {"rows", "[{\"step\": 1}]"},
           {"rows", "{"}}) {
    auto metadata = file.metadata;
    metadata[key] = text;
    write_safetensors(path, file.tensors, metadata);
    EXPECT_THROW(read_checkpoint(folder_, saved, trained, "run"), Error)
        << key << " = " << text;
  }
}

}  // namespace
}  // namespace veer
