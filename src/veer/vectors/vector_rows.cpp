// SPDX-License-Identifier: MIT
#include "veer/vectors/vector_rows.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/tensors/safetensors.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

const std::string kKind = "veer.vector_rows";

std::string key(const char* side, std::int64_t layer) {
  return fmt::format("{}.{}", side, layer);
}

[[noreturn]] void refuse(const std::filesystem::path& path,
                         const std::string& found) {
  fail("read vector rows", path.string() + ": " + found,
       "rows written by `veer extract`");
}

at::Tensor take(const SafetensorsFile& file, const std::filesystem::path& path,
                const std::string& name, std::int64_t items) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) {
    refuse(path, "tensor " + name + " is missing");
  }
  const auto& x = found->second;
  if (x.dim() != 2 || x.size(0) != items || x.scalar_type() != at::kFloat) {
    refuse(path, "tensor " + name + " is not fp32 [items, width]");
  }
  return x;
}

}  // namespace

at::Tensor VectorRows::differences(std::int64_t layer) const {
  const auto l = static_cast<std::size_t>(layer);
  return as_double(positive.at(l)) - as_double(negative.at(l));
}

void write_vector_rows(const std::filesystem::path& path,
                       const VectorRows& rows) {
  TensorMap tensors;
  for (std::int64_t l = 0; l < rows.num_layers(); ++l) {
    tensors[key("positive", l)] = rows.positive[static_cast<std::size_t>(l)];
    tensors[key("negative", l)] = rows.negative[static_cast<std::size_t>(l)];
  }
  Json facts = {
      {"kind", kKind},     {"version", 1},
      {"name", rows.name}, {"model_fingerprint", rows.model_fingerprint},
      {"site", rows.site}, {"layers", rows.num_layers()},
      {"ids", rows.ids}};
  if (!rows.units.empty()) {
    facts["units"] = rows.units;
  }
  write_safetensors(path, tensors, {{"veer", dump_json(facts)}});
}

VectorRows read_vector_rows(const std::filesystem::path& path) {
  const auto file = read_safetensors(path);
  const auto found = file.metadata.find("veer");
  if (found == file.metadata.end()) {
    refuse(path, "no key \"veer\" in the metadata");
  }
  const Json facts = parse_json(found->second, path.string());
  VectorRows rows;
  std::int64_t layers = 0;
  try {
    if (facts.at("kind") != kKind || facts.at("version") != 1) {
      refuse(path, "kind or version " + dump_json(facts.value("kind", Json())));
    }
    rows.name = facts.at("name");
    rows.model_fingerprint = facts.at("model_fingerprint");
    rows.site = facts.at("site");
    rows.ids = facts.at("ids").get<std::vector<std::string>>();
    layers = facts.at("layers");
    // Of rows of before this was written every question stands alone.
    rows.units = facts.value("units", std::vector<std::string>{});
    if (!rows.units.empty() && rows.units.size() != rows.ids.size()) {
      refuse(path, fmt::format("{} units of {} questions", rows.units.size(),
                               rows.ids.size()));
    }
  } catch (const nlohmann::json::exception& e) {
    refuse(path, e.what());
  }
  for (std::int64_t l = 0; l < layers; ++l) {
    rows.positive.push_back(
        take(file, path, key("positive", l), rows.num_items()));
    rows.negative.push_back(
        take(file, path, key("negative", l), rows.num_items()));
    if (rows.negative.back().sizes() != rows.positive.front().sizes()) {
      refuse(path, "sides or layers of different width");
    }
  }
  return rows;
}

}  // namespace veer
