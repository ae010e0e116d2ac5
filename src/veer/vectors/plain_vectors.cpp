// SPDX-License-Identifier: MIT
#include "veer/vectors/plain_vectors.h"

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/tensors/safetensors.h"
#include "veer/vectors/layer_names.h"

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
                                 const std::string& found,
                                 std::string_view cause = {}) {
  fail("read vector", fmt::format("{}: {}", path.string(), found),
       "one tensor [width] per layer, named by it (direction.N, layer_N, N, "
       "model.layers.N, blocks.N.hook_resid_post), or one tensor [layers, "
       "width] or [width]",
       cause);
}

// Without axes of size 1 before the last.
at::Tensor squeezed(const at::Tensor& tensor) {
  auto out = tensor;
  for (std::int64_t axis = tensor.dim() - 2; axis >= 0; --axis) {
    if (out.size(axis) == 1) {
      out = out.select(axis, 0);
    }
  }
  return out;
}

// A direction that names no layer.
ByNumber single_direction(const at::Tensor& direction_D,
                          const std::filesystem::path& path,
                          const ForeignVectorOptions& options,
                          std::optional<std::int64_t> layer,
                          const VectorWarning& warn) {
  if (layer) {
    return {{*layer - options.layer_offset, floats_of(direction_D)}};
  }
  if (!options.one_serves_all || options.num_layers < 1) {
    refuse_tensors(path, "one direction without a layer (say --layer N)");
  }
  ByNumber out;
  for (std::int64_t l = 0; l < options.num_layers; ++l) {
    out[l - options.layer_offset] = floats_of(direction_D);
  }
  if (warn) {
    warn(
        fmt::format("{} holds one direction and names no layer: it is taken "
                    "as the direction of every layer",
                    path.filename().string()));
  }
  return out;
}

// All tensors without their axes of size 1.
TensorMap rows_only(const TensorMap& tensors,
                    const std::filesystem::path& path) {
  if (tensors.empty()) {
    refuse_tensors(path, "no tensors");
  }
  TensorMap out;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.is_floating_point() || tensor.numel() == 0 ||
        tensor.dim() < 1) {
      refuse_tensors(path, "tensor " + name + " of another type or shape");
    }
    out[name] = squeezed(tensor);
    if (out[name].dim() > 2) {
      refuse_tensors(
          path,
          fmt::format("tensor {} of shape [{}]", name,
                      fmt::join(tensor.sizes(), ", ")),
          "candidates of several positions: keep the rows of one position");
    }
  }
  return out;
}

ByNumber directions_of(const TensorMap& stored,
                       const std::filesystem::path& path,
                       const ForeignVectorOptions& options,
                       std::optional<std::int64_t> layer,
                       const VectorWarning& warn) {
  const auto tensors = rows_only(stored, path);
  const auto& [first_name, first] = *tensors.begin();
  const bool is_one = tensors.size() == 1 && !layer_of_name(first_name);
  if (is_one && first.dim() == 1) {
    return single_direction(first, path, options, layer, warn);
  }
  ByNumber out;
  if (tensors.size() == 1 && first.dim() == 2) {
    for (std::int64_t n = 0; n < first.size(0); ++n) {
      out[n] = floats_of(first[n]);
    }
    return out;
  }
  for (const auto& [name, tensor] : tensors) {
    const auto number = layer_of_name(name);
    if (!number || tensor.dim() != 1) {
      refuse_tensors(path, "tensor " + name,
                     number ? ""
                            : "its name says no layer of the residual "
                              "stream");
    }
    if (!out.emplace(*number, floats_of(tensor)).second) {
      refuse_tensors(path, fmt::format("two tensors for layer {}", *number));
    }
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
      directions_of(file.tensors, path, options, layer, warn), path.string(),
      "safetensors", options.layer_offset, options.num_layers, warn);
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
