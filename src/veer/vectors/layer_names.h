// SPDX-License-Identifier: MIT
//
// Which block a tensor name of a vector file speaks of.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace veer {

// The number of the block at whose output the direction is added: 5 for
// "direction.5", "layer_5", "5", "model.layers.5", "blocks.5.hook_resid_post";
// 4 for "blocks.5.hook_resid_pre", the input of block 5. A name is read where
// it holds exactly one number and otherwise only words that a residual stream
// goes by; nothing for any other ("model.layers.5.mlp", "evil.2.layer.5").
std::optional<std::int64_t> layer_of_name(std::string_view name);

}  // namespace veer
