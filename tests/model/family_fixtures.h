// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/tensors/safetensors.h"

namespace veer {

// A tiny random checkpoint with what transformers computes on it, written by
// tools/make_family_checkpoints.py (which says what the files hold).
struct FamilyFixture {
  std::filesystem::path folder;
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::int32_t> greedy;          // after ids[0]
  std::map<std::string, double> bf16_error;  // of transformers, by tensor
  TensorMap golden;                          // "logits.0", "0.resid_post.2"
};

inline std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator("tests/fixtures/families")) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

inline FamilyFixture read_family(const std::string& name) {
  FamilyFixture family;
  family.folder = std::filesystem::path("tests/fixtures/families") / name;
  const auto path = family.folder / "golden.json";
  const Json json = parse_json(read_file(path), path.string());
  json.at("ids").get_to(family.ids);
  json.at("greedy").get_to(family.greedy);
  json.at("bf16").get_to(family.bf16_error);
  family.golden =
      read_safetensors(family.folder / "golden.safetensors").tensors;
  return family;
}

// Largest difference over the reference's largest number.
inline double relative_error(const at::Tensor& value,
                             const at::Tensor& reference) {
  const auto exact = reference.to(at::kDouble);
  const auto difference = (value.to(at::kDouble) - exact).abs().max();
  return (difference / exact.abs().max()).item<double>();
}

}  // namespace veer
