// SPDX-License-Identifier: MIT
#include "veer/vectors/direction_layers.h"

#include <algorithm>
#include <cstdlib>

#include <ATen/TensorOperators.h>
#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {

std::vector<std::int64_t> layers_with_direction(
    const at::Tensor& directions_LD) {
  std::vector<std::int64_t> layers;
  for (std::int64_t l = 0; l < directions_LD.size(0); ++l) {
    // Not the norm: the squares of small numbers vanish before they do.
    if ((directions_LD[l] != 0).any().item<bool>()) {
      layers.push_back(l);
    }
  }
  return layers;
}

std::string layers_text(std::span<const std::int64_t> layers) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < layers.size();) {
    std::size_t end = i + 1;
    while (end < layers.size() && layers[end] == layers[end - 1] + 1) {
      ++end;
    }
    if (end - i > 2) {
      parts.push_back(fmt::format("{} to {}", layers[i], layers[end - 1]));
    } else {
      end = i + 1;
      parts.push_back(fmt::format("{}", layers[i]));
    }
    i = end;
  }
  std::string text = parts.empty() ? "none" : parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    text += (i + 1 == parts.size() ? " and " : ", ") + parts[i];
  }
  return text;
}

void require_directions(const at::Tensor& directions_LD,
                        std::span<const std::int64_t> wanted,
                        std::string_view operation, std::string_view cause) {
  const auto known = layers_with_direction(directions_LD);
  std::vector<std::int64_t> missing;
  std::ranges::copy_if(wanted, std::back_inserter(missing),
                       [&](std::int64_t layer) {
                         return !std::ranges::binary_search(known, layer);
                       });
  if (missing.empty()) {
    return;
  }
  fail(operation,
       fmt::format("no direction at layer{} {}", missing.size() > 1 ? "s" : "",
                   layers_text(missing)),
       fmt::format("layers that the vector has: {}", layers_text(known)),
       cause.empty() ? "the vector was made at some layers only, or its file "
                       "counts layers in another way (veer convert "
                       "--layer-offset)"
                     : cause);
}

std::int64_t nearest_direction(const at::Tensor& directions_LD,
                               std::int64_t layer) {
  const auto known = layers_with_direction(directions_LD);
  const auto nearest = std::ranges::min_element(
      known, {}, [&](std::int64_t own) { return std::abs(own - layer); });
  return nearest == known.end() ? -1 : *nearest;
}

}  // namespace veer
