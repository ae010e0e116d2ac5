// SPDX-License-Identifier: MIT
#include "veer/vectors/foreign_layers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

using ByNumber = std::map<std::int64_t, std::vector<float>>;

constexpr std::int64_t kMostLayers = 4096;

void check_numbers(const ByNumber& by_number, std::string_view origin) {
  for (const auto& [number, values] : by_number) {
    const bool fits =
        !values.empty() && values.size() == by_number.begin()->second.size();
    if (!fits || number > kMostLayers) {
      fail("read vector",
           fmt::format("{}: {} numbers for layer {}", origin, values.size(),
                       number),
           fmt::format("directions of one length, layers up to {}",
                       kMostLayers));
    }
    if (!std::ranges::all_of(values,
                             [](float x) { return std::isfinite(x); })) {
      fail("read vector",
           fmt::format("{}: the direction of layer {} holds NaN or infinity",
                       origin, number));
    }
  }
}

}  // namespace

SteeringVector vector_of_layers(const ByNumber& by_number,
                                std::string_view origin,
                                std::string_view format, std::int64_t offset,
                                std::int64_t num_layers,
                                const VectorWarning& warn) {
  check_numbers(by_number, origin);
  const auto first = by_number.lower_bound(-offset);
  if (first == by_number.end()) {
    fail("read vector", fmt::format("{}: no direction at a layer", origin),
         "directions at layer 0 or above", "a wrong layer offset");
  }
  for (auto it = by_number.begin(); it != first; ++it) {
    if (warn) {
      warn(
          fmt::format("the direction numbered {} acts before the first block "
                      "and is left out",
                      it->first));
    }
  }
  const std::int64_t highest = by_number.rbegin()->first + offset;
  const std::int64_t layers = num_layers > 0 ? num_layers : highest + 1;
  if (highest >= layers) {
    fail("read vector",
         fmt::format("{}: a direction at layer {}", origin, highest),
         fmt::format("layers within 0 to {}", layers - 1),
         "a vector of another model, or a wrong layer offset");
  }
  SteeringVector v;
  v.directions_LD = at::zeros(
      {layers, static_cast<std::int64_t>(first->second.size())}, at::kFloat);
  for (auto it = first; it != by_number.end(); ++it) {
    auto row = v.directions_LD.select(0, it->first + offset);
    std::ranges::copy(it->second, row.mutable_data_ptr<float>());
  }
  v.name = std::filesystem::path(origin).stem().string();
  v.contrast = "imported";
  v.position = "unknown";
  v.sign = "as imported";
  v.facts["imported_from"] = format;
  v.facts["layer_offset"] = fmt::format("{}", offset);
  return v;
}

std::int64_t number_behind(std::string_view name, std::string_view prefix) {
  std::int64_t number = -1;
  if (!name.starts_with(prefix)) {
    return -1;
  }
  const char* end = name.data() + name.size();
  const auto [stop, error] =
      std::from_chars(name.data() + prefix.size(), end, number);
  return error == std::errc() && stop == end ? number : -1;
}

ByNumber layers_to_write(const SteeringVector& vector,
                         const std::string& operation, std::int64_t offset,
                         std::int64_t first, std::string_view why,
                         const VectorWarning& warn) {
  if (vector.point != ResidualPoint::kResidPost) {
    fail(operation, "a vector of " + std::string(point_name(vector.point)),
         "resid_post: the format knows no other place");
  }
  require_finite(vector.directions_LD, "steering vector");
  const auto norms = vector.norms();
  ByNumber out;
  for (std::int64_t l = 0; l < vector.num_layers(); ++l) {
    if (norms[static_cast<std::size_t>(l)] == 0.0) {
      continue;
    }
    if (l - offset < first) {
      if (warn) {
        warn(fmt::format("layer {} is left out: {}", l, why));
      }
      continue;
    }
    const auto row = vector.directions_LD.select(0, l).contiguous();
    const auto* data = row.const_data_ptr<float>();
    out[l - offset].assign(data, data + vector.width());
  }
  if (out.empty()) {
    fail(operation, "no layer that the format can express",
         "a non-zero direction at a layer that it knows");
  }
  return out;
}

}  // namespace veer
