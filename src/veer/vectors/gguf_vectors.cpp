// SPDX-License-Identifier: MIT
#include "veer/vectors/gguf_vectors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/tensors/gguf.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

constexpr std::string_view kPrefix = "direction.";
constexpr std::int64_t kMostLayers = 4096;

[[noreturn]] void refuse(std::string_view origin, const std::string& found) {
  fail("read control vector", fmt::format("{}: {}", origin, found),
       "tensors direction.N, F32, one-dimensional, of one length",
       "the file is no control vector");
}

std::int64_t layer_of(const GgufTensor& tensor, std::string_view origin,
                      std::int64_t offset) {
  const std::string_view name = tensor.name;
  std::int64_t layer = -1;
  if (name.starts_with(kPrefix)) {
    const char* end = name.data() + name.size();
    const auto [stop, error] =
        std::from_chars(name.data() + kPrefix.size(), end, layer);
    if (error != std::errc() || stop != end) {
      layer = -1;
    }
  }
  if (layer < 0 || layer > kMostLayers) {
    refuse(origin, "tensor \"" + tensor.name + "\"");
  }
  return layer + offset;
}

std::map<std::int64_t, const GgufTensor*> tensors_by_layer(
    const GgufHeader& header, std::string_view origin, std::int64_t offset) {
  std::map<std::int64_t, const GgufTensor*> out;
  for (const auto& tensor : header.tensors) {
    if (tensor.type != kGgmlF32 || tensor.shape.size() != 1 ||
        tensor.shape != header.tensors.front().shape || tensor.shape[0] < 1) {
      refuse(origin, "tensor " + tensor.name + " of another type or shape");
    }
    const auto layer = layer_of(tensor, origin, offset);
    if (!out.emplace(layer, &tensor).second) {
      refuse(origin, "two tensors for one layer");
    }
  }
  if (out.empty()) {
    refuse(origin, "no tensors");
  }
  return out;
}

std::string text_of(const GgufHeader& header, std::string_view key) {
  const auto* value = header.find(key);
  return value == nullptr ? "" : value->string().value_or("");
}

}  // namespace

SteeringVector parse_gguf_vector(std::string_view bytes,
                                 std::string_view origin,
                                 const GgufVectorOptions& options) {
  const auto header = parse_gguf(bytes, origin);
  const auto tensors = tensors_by_layer(header, origin, options.layer_offset);
  const std::int64_t highest = tensors.rbegin()->first;
  const std::int64_t layers =
      options.num_layers > 0 ? options.num_layers : highest + 1;
  if (tensors.begin()->first < 0 || highest >= layers) {
    fail("read control vector",
         fmt::format("{}: directions for layers {} to {}", origin,
                     tensors.begin()->first, highest),
         fmt::format("layers within 0 to {}", layers - 1),
         "a vector of another model, or a wrong layer offset");
  }
  SteeringVector v;
  v.directions_LD =
      at::zeros({layers, header.tensors.front().shape[0]}, at::kFloat);
  for (const auto& [layer, tensor] : tensors) {
    const auto values = gguf_floats(bytes, header, *tensor, origin);
    auto row = v.directions_LD.select(0, layer);
    std::copy(values.begin(), values.end(), row.mutable_data_ptr<float>());
    if (!std::all_of(values.begin(), values.end(),
                     [](float x) { return std::isfinite(x); })) {
      refuse(origin, "tensor " + tensor->name + " holds NaN or infinity");
    }
  }
  v.name = std::filesystem::path(origin).stem().string();
  v.contrast = "imported";
  v.method = text_of(header, "controlvector.method");
  v.position = "unknown";
  v.sign = "as imported";
  v.model = text_of(header, "controlvector.model_hint");
  v.facts["imported_from"] = "gguf";
  v.facts["layer_offset"] = fmt::format("{}", options.layer_offset);
  return v;
}

SteeringVector read_gguf_vector(const std::filesystem::path& path,
                                const GgufVectorOptions& options) {
  return parse_gguf_vector(read_file(path), path.string(), options);
}

void write_gguf_vector(const std::filesystem::path& path,
                       const SteeringVector& vector,
                       const std::string& model_hint,
                       const GgufVectorOptions& options,
                       const std::function<void(std::string_view)>& warn) {
  const std::string operation = "write control vector " + path.string();
  if (vector.point != ResidualPoint::kResidPost) {
    fail(operation, "a vector of " + std::string(point_name(vector.point)),
         "resid_post: the format knows no other place");
  }
  require_finite(vector.directions_LD, "steering vector");
  const auto norms = vector.norms();
  std::vector<GgufFloats> tensors;
  for (std::int64_t l = 0; l < vector.num_layers(); ++l) {
    const std::int64_t n = l - options.layer_offset;
    if (norms[static_cast<std::size_t>(l)] == 0.0) {
      continue;
    }
    if (n < 1) {
      if (warn) {
        warn(
            fmt::format("layer {} is left out: llama.cpp cannot steer the "
                        "first block",
                        l));
      }
      continue;
    }
    const auto row = vector.directions_LD.select(0, l).contiguous();
    const auto* data = row.const_data_ptr<float>();
    tensors.push_back({fmt::format("direction.{}", n),
                       {vector.width()},
                       {data, data + vector.width()}});
  }
  if (tensors.empty()) {
    fail(operation, "no layer that the format can express",
         "a non-zero direction above the first block");
  }
  write_file(
      path,
      gguf_bytes({{"general.architecture", GgufValue::text("controlvector")},
                  {"controlvector.model_hint", GgufValue::text(model_hint)},
                  {"controlvector.layer_count",
                   GgufValue::u32(static_cast<std::uint32_t>(tensors.size()))},
                  {"steer.name", GgufValue::text(vector.name)},
                  {"steer.method", GgufValue::text(vector.method)},
                  {"steer.sign", GgufValue::text(vector.sign)},
                  {"steer.fingerprint", GgufValue::text(vector.fingerprint())}},
                 tensors));
}

}  // namespace veer
