// SPDX-License-Identifier: MIT
//
// Which layers a vector has a direction at. A row of zeros is no direction: a
// file of another tool often holds some layers only, a trained vector one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace veer {

// Rows of [layers, width] that are not all zero, in order.
std::vector<std::int64_t> layers_with_direction(
    const at::Tensor& directions_LD);

// For people: "2, 4 and 6 to 9"; "none" for an empty list.
std::string layers_text(std::span<const std::int64_t> layers);

// Throws Error{kBadInput} if one of `wanted` has no direction. The message
// names it and the layers that have one. `operation` says who asks, `cause`
// what else may explain it.
void require_directions(const at::Tensor& directions_LD,
                        std::span<const std::int64_t> wanted,
                        std::string_view operation,
                        std::string_view cause = {});

// The layer with a direction that lies nearest to `layer`, the lower of two; -1
// if there is none.
std::int64_t nearest_direction(const at::Tensor& directions_LD,
                               std::int64_t layer);

}  // namespace veer
