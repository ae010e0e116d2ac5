// SPDX-License-Identifier: MIT
#include "veer/vectors/plain_vectors.h"

#include <array>

#include <ATen/ops/from_blob.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/tensors/safetensors.h"

namespace veer {
namespace {

using ByNumber = std::map<std::int64_t, std::vector<float>>;

// A number of .svec is the block whose input is changed.
constexpr std::int64_t kSvecShift = -1;

[[noreturn]] void refuse_svec(std::string_view origin,
                              const std::string& found) {
  fail("read .svec", fmt::format("{}: {}", origin, found),
       R"({"model_type": "...", "directions": {"0": [numbers], ...}})");
}

std::vector<float> floats_of(const Json& list, std::string_view origin,
                             const std::string& key) {
  std::vector<float> out;
  for (const auto& x : list.is_array() ? list : Json::array({nullptr})) {
    if (!x.is_number()) {
      refuse_svec(origin, "direction " + key + " is no list of numbers");
    }
    out.push_back(x.get<float>());
  }
  return out;
}

std::vector<float> floats_of(const at::Tensor& row_D) {
  const auto copy = row_D.to(at::kFloat).contiguous();
  const auto* data = copy.const_data_ptr<float>();
  return {data, data + copy.numel()};
}

[[noreturn]] void refuse_tensors(const std::filesystem::path& path,
                                 const std::string& found) {
  fail("read vector", fmt::format("{}: {}", path.string(), found),
       "tensors direction.N (layer.N, N) of one dimension, or one tensor "
       "[layers, width] or [width]");
}

std::int64_t number_of(std::string_view name) {
  for (const std::string_view prefix :
       std::array<std::string_view, 3>{"direction.", "layer.", ""}) {
    if (const auto number = number_behind(name, prefix); number >= 0) {
      return number;
    }
  }
  return -1;
}

// A single tensor that holds all layers, or one of them.
ByNumber rows_of(const at::Tensor& tensor, const std::filesystem::path& path,
                 std::optional<std::int64_t> layer, std::int64_t layer_offset) {
  if (tensor.dim() == 1) {
    if (!layer) {
      refuse_tensors(path, "one direction without a layer (say --layer N)");
    }
    return {{*layer - layer_offset, floats_of(tensor)}};
  }
  ByNumber out;
  for (std::int64_t n = 0; n < tensor.size(0); ++n) {
    out[n] = floats_of(tensor[n]);
  }
  return out;
}

ByNumber directions_of(const TensorMap& tensors,
                       const std::filesystem::path& path,
                       std::optional<std::int64_t> layer,
                       std::int64_t layer_offset) {
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.is_floating_point() || tensor.numel() == 0 ||
        tensor.dim() < 1 || tensor.dim() > 2) {
      refuse_tensors(path, "tensor " + name + " of another type or shape");
    }
  }
  if (tensors.size() == 1 && number_of(tensors.begin()->first) < 0) {
    return rows_of(tensors.begin()->second, path, layer, layer_offset);
  }
  ByNumber out;
  for (const auto& [name, tensor] : tensors) {
    const auto number = number_of(name);
    if (number < 0 || tensor.dim() != 1) {
      refuse_tensors(path, "tensor " + name);
    }
    if (!out.emplace(number, floats_of(tensor)).second) {
      refuse_tensors(path, fmt::format("two tensors for layer {}", number));
    }
  }
  if (out.empty()) {
    refuse_tensors(path, "no tensors");
  }
  return out;
}

}  // namespace

SteeringVector parse_svec(std::string_view json, std::string_view origin,
                          const ForeignVectorOptions& options,
                          const VectorWarning& warn) {
  const Json document = parse_json(json, origin);
  if (!document.is_object() || !document.contains("directions") ||
      !document["directions"].is_object() || document["directions"].empty()) {
    refuse_svec(origin, "no object \"directions\"");
  }
  ByNumber by_number;
  for (const auto& [key, list] : document["directions"].items()) {
    const auto number = number_behind(key, "");
    if (number < 0 ||
        !by_number.emplace(number, floats_of(list, origin, key)).second) {
      refuse_svec(origin, "layer \"" + key + "\"");
    }
  }
  auto v = vector_of_layers(by_number, origin, "svec",
                            options.layer_offset + kSvecShift,
                            options.num_layers, warn);
  if (document.contains("model_type") && document["model_type"].is_string()) {
    v.model = document["model_type"].get<std::string>();
  }
  return v;
}

void write_svec(const std::filesystem::path& path, const SteeringVector& vector,
                const std::string& model_type,
                const ForeignVectorOptions& options,
                const VectorWarning& warn) {
  const auto layers = layers_to_write(
      vector, "write " + path.string(), options.layer_offset + kSvecShift,
      /*first=*/0, "it acts before the first block", warn);
  Json directions = Json::object();
  Json explained = Json::object();
  for (const auto& [number, values] : layers) {
    if (number == vector.num_layers()) {
      // Its tool adds to the input of a block, and there is none behind.
      if (warn) {
        warn(
            fmt::format("layer {} is left out: no block comes behind it, at "
                        "whose input it could be added",
                        number - 1));
      }
      continue;
    }
    directions[std::to_string(number)] = values;
    explained[std::to_string(number)] = 0.0;
  }
  if (directions.empty()) {
    fail("write " + path.string(), "no layer that the format can express",
         "a non-zero direction below the last layer");
  }
  write_file(path, dump_json({{"model_type", model_type},
                              {"directions", directions},
                              {"explained_variances", explained}}) +
                       "\n");
}

SteeringVector read_plain_vector(const std::filesystem::path& path,
                                 const ForeignVectorOptions& options,
                                 std::optional<std::int64_t> layer,
                                 const VectorWarning& warn) {
  const auto file = read_safetensors(path);
  auto v = vector_of_layers(
      directions_of(file.tensors, path, layer, options.layer_offset),
      path.string(), "safetensors", options.layer_offset, options.num_layers,
      warn);
  const auto text = [&](const char* key, const std::string& otherwise) {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? otherwise : found->second;
  };
  v.model = text("model_type", "");
  v.sign = text("sign", v.sign);
  return v;
}

void write_plain_vector(const std::filesystem::path& path,
                        const SteeringVector& vector,
                        const std::string& model_type,
                        const ForeignVectorOptions& options,
                        const VectorWarning& warn) {
  auto layers =
      layers_to_write(vector, "write " + path.string(), options.layer_offset,
                      /*first=*/0, "its number would be negative", warn);
  TensorMap tensors;
  for (auto& [number, values] : layers) {
    tensors[fmt::format("direction.{}", number)] =
        at::from_blob(values.data(), {vector.width()}, at::kFloat).clone();
  }
  write_safetensors(path, tensors,
                    {{"name", vector.name},
                     {"sign", vector.sign},
                     {"model_type", model_type},
                     {"point", std::string(point_name(vector.point))}});
}

}  // namespace veer
