// SPDX-License-Identifier: MIT
#include "veer/vectors/layer_names.h"

#include <gtest/gtest.h>

namespace veer {
namespace {

TEST(LayerOfName, IsTheBlockAtWhoseOutputADirectionIsAdded) {
  for (const char* name :
       {"5", "direction.5", "layer.5", "layer_5", "layers.5", "Layer 5", "L5",
        "model.layers.5", "transformer.h.5", "gpt_neox.layers.5",
        "blocks.5.hook_resid_post", "resid_post.5", "vec_layer_5",
        "layer_activations.5", "model.layers.5.output", "05",
        "blocks.6.hook_resid_pre", "layers.6.input"}) {
    EXPECT_EQ(layer_of_name(name), 5) << name;
  }
}

TEST(LayerOfName, IsNothingForAnotherPlaceOrAnUnclearNumber) {
  for (const char* name :
       {"", "direction", "v2.layer.5", "model.layers.5.mlp.down_proj",
        "blocks.5.attn.hook_z", "model.layers.5.self_attn", "layer.-1",
        "layer.1.5", "evil.5", "99999999999999999999", "layer+5",
        "model.layers.5.weight"}) {
    EXPECT_FALSE(layer_of_name(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace veer
