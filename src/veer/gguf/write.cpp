// SPDX-License-Identifier: MIT
#include <limits>
#include <set>
#include <type_traits>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/gguf/gguf.h"

namespace veer {
namespace {

constexpr std::uint64_t kAlignment = 32;
constexpr std::size_t kMaxTensorName = 63;

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void put_string(std::string& out, const std::string& text) {
  put(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

void pad(std::string& out) {
  out.append((kAlignment - out.size() % kAlignment) % kAlignment, '\0');
}

template <class Stored, class Wide>
void put_as(std::string& out, const GgufValue& value) {
  const auto* wide = std::get_if<Wide>(&value.value);
  const bool fits = wide != nullptr &&
                    (std::is_floating_point_v<Stored> ||
                     static_cast<Wide>(static_cast<Stored>(*wide)) == *wide);
  if (!fits) {
    fail("write GGUF", fmt::format("a value of kind {} does not fit it",
                                   static_cast<std::uint32_t>(value.kind)));
  }
  put(out, static_cast<Stored>(*wide));
}

void put_value(std::string& out, const GgufValue& value);

void put_array(std::string& out, const GgufValue& value) {
  const auto* items = std::get_if<std::vector<GgufValue>>(&value.value);
  if (items == nullptr) {
    fail("write GGUF", "an array value that holds none");
  }
  put(out, static_cast<std::uint32_t>(value.element_kind));
  put(out, static_cast<std::uint64_t>(items->size()));
  for (const auto& item : *items) {
    if (item.kind != value.element_kind) {
      fail("write GGUF", "an array of mixed kinds", "one kind");
    }
    put_value(out, item);
  }
}

void put_value(std::string& out, const GgufValue& value) {
  switch (value.kind) {
    case GgufKind::kU8:
    case GgufKind::kBool:
      return put_as<std::uint8_t, std::uint64_t>(out, value);
    case GgufKind::kU16:
      return put_as<std::uint16_t, std::uint64_t>(out, value);
    case GgufKind::kU32:
      return put_as<std::uint32_t, std::uint64_t>(out, value);
    case GgufKind::kU64:
      return put_as<std::uint64_t, std::uint64_t>(out, value);
    case GgufKind::kI8:
      return put_as<std::int8_t, std::int64_t>(out, value);
    case GgufKind::kI16:
      return put_as<std::int16_t, std::int64_t>(out, value);
    case GgufKind::kI32:
      return put_as<std::int32_t, std::int64_t>(out, value);
    case GgufKind::kI64:
      return put_as<std::int64_t, std::int64_t>(out, value);
    case GgufKind::kF32:
      return put_as<float, double>(out, value);
    case GgufKind::kF64:
      return put_as<double, double>(out, value);
    case GgufKind::kString:
      return put_string(out, value.string().value_or(""));
    case GgufKind::kArray:
      return put_array(out, value);
  }
}

void check_tensor(const GgufFloats& tensor) {
  std::int64_t n = 1;
  bool overflow = false;
  for (const std::int64_t size : tensor.shape) {
    overflow |= size < 0 || __builtin_mul_overflow(n, size, &n);
  }
  if (tensor.name.empty() || tensor.name.size() > kMaxTensorName ||
      tensor.shape.empty() || tensor.shape.size() > 4 || overflow ||
      n != static_cast<std::int64_t>(tensor.values.size())) {
    fail("write GGUF",
         fmt::format("tensor '{}' with {} dimensions and {} values",
                     tensor.name.substr(0, 120), tensor.shape.size(),
                     tensor.values.size()),
         "a name of 1 to 63 bytes, 1 to 4 dimensions and as many values");
  }
}

void put_header(std::string& out, const GgufFloats& tensor,
                std::uint64_t offset) {
  put_string(out, tensor.name);
  put(out, static_cast<std::uint32_t>(tensor.shape.size()));
  for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size) {
    put(out, static_cast<std::uint64_t>(*size));
  }
  put(out, kGgmlF32);
  put(out, offset);
}

}  // namespace

std::string gguf_bytes(
    const std::vector<std::pair<std::string, GgufValue>>& metadata,
    const std::vector<GgufFloats>& tensors) {
  std::string out = "GGUF";
  put(out, std::uint32_t{3});
  put(out, static_cast<std::uint64_t>(tensors.size()));
  put(out, static_cast<std::uint64_t>(metadata.size()));
  std::set<std::string> seen;
  for (const auto& [key, value] : metadata) {
    if (!seen.insert(key).second) {
      fail("write GGUF", "the key " + key + " twice");
    }
    put_string(out, key);
    put(out, static_cast<std::uint32_t>(value.kind));
    put_value(out, value);
  }
  std::uint64_t offset = 0;
  seen.clear();
  for (const auto& tensor : tensors) {
    check_tensor(tensor);
    if (!seen.insert(tensor.name).second) {
      fail("write GGUF", "the tensor " + tensor.name + " twice");
    }
    put_header(out, tensor, offset);
    const std::uint64_t bytes = tensor.values.size() * sizeof(float);
    offset += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }
  pad(out);
  for (const auto& tensor : tensors) {
    out.append(reinterpret_cast<const char*>(tensor.values.data()),
               tensor.values.size() * sizeof(float));
    pad(out);
  }
  return out;
}

}  // namespace veer
