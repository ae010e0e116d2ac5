// SPDX-License-Identifier: MIT
#include "veer/vectors/gguf_vectors.h"

#include <algorithm>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/gguf/gguf.h"

namespace veer {
namespace {

[[noreturn]] void refuse(std::string_view origin, const std::string& found) {
  fail("read control vector", fmt::format("{}: {}", origin, found),
       "tensors direction.N, F32, F16, BF16 or F64, [width] or [1, width], of "
       "one length",
       "the file is no control vector");
}

// [width], or [1, width] as some tools write it.
bool is_one_row(const std::vector<std::int64_t>& shape) {
  return !shape.empty() && shape.back() >= 1 &&
         std::all_of(shape.begin(), shape.end() - 1,
                     [](std::int64_t size) { return size == 1; });
}

std::map<std::int64_t, std::vector<float>> directions_of(
    std::string_view bytes, const GgufHeader& header, std::string_view origin) {
  std::map<std::int64_t, std::vector<float>> out;
  for (const auto& tensor : header.tensors) {
    const auto& type = tensor.type;
    const bool is_float = type == kGgmlF32 || type == kGgmlF16 ||
                          type == kGgmlBf16 || type == kGgmlF64;
    if (!is_float || !is_one_row(tensor.shape)) {
      refuse(origin, "tensor " + tensor.name + " of another type or shape");
    }
    const auto number = number_behind(tensor.name, "direction.");
    if (number < 0) {
      refuse(origin, "tensor \"" + tensor.name + "\"");
    }
    if (!out.emplace(number, gguf_floats(bytes, header, tensor, origin))
             .second) {
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
                                 const ForeignVectorOptions& options,
                                 const VectorWarning& warn) {
  const auto header = parse_gguf(bytes, origin);
  auto v =
      vector_of_layers(directions_of(bytes, header, origin), origin, "gguf",
                       options.layer_offset, options.num_layers, warn);
  v.method = text_of(header, "controlvector.method");
  v.model = text_of(header, "controlvector.model_hint");
  return v;
}

SteeringVector read_gguf_vector(const std::filesystem::path& path,
                                const ForeignVectorOptions& options,
                                const VectorWarning& warn) {
  return parse_gguf_vector(read_file(path), path.string(), options, warn);
}

void write_gguf_vector(const std::filesystem::path& path,
                       const SteeringVector& vector,
                       const GgufVectorStyle& style,
                       const ForeignVectorOptions& options,
                       const VectorWarning& warn) {
  const auto layers =
      layers_to_write(vector, "write control vector " + path.string(),
                      options.layer_offset, style.with_layer_zero ? 0 : 1,
                      "llama.cpp cannot steer the first block", warn);
  std::vector<GgufFloats> tensors;
  for (const auto& [number, values] : layers) {
    tensors.push_back(
        {fmt::format("direction.{}", number), {vector.width()}, values});
  }
  write_file(
      path,
      gguf_bytes(
          {{"general.architecture", GgufValue::text("controlvector")},
           {"controlvector.model_hint", GgufValue::text(style.model_hint)},
           {"controlvector.method", GgufValue::text(vector.method)},
           {"controlvector.layer_count",
            GgufValue::u32(static_cast<std::uint32_t>(tensors.size()))},
           {"steer.name", GgufValue::text(vector.name)},
           {"steer.sign", GgufValue::text(vector.sign)},
           {"steer.fingerprint", GgufValue::text(vector.fingerprint())}},
          tensors));
}

}  // namespace veer
