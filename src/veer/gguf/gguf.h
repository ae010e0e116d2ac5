// SPDX-License-Identifier: MIT
//
// GGUF versions 2 and 3, the container of llama.cpp: typed key-value pairs and
// tensors, little-endian. No torch here. What control vectors mean by it is
// the business of vectors/, what checkpoints mean by it that of
// model.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "veer/gguf/types.h"

namespace veer {

enum class GgufKind : std::uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

// A value in the widest type of its kind: unsigned and bool as uint64, signed
// as int64, floats as double.
struct GgufValue {
  GgufKind kind = GgufKind::kU32;
  std::variant<std::uint64_t, std::int64_t, double, std::string,
               std::vector<GgufValue>>
      value;
  GgufKind element_kind = GgufKind::kU32;  // of an array, empty ones included

  // The number of either signedness; nothing if it is none.
  std::optional<std::int64_t> integer() const;
  std::optional<std::string> string() const;

  static GgufValue u32(std::uint32_t v) {
    return {GgufKind::kU32, std::uint64_t{v}};
  }
  static GgufValue f32(float v) { return {GgufKind::kF32, double{v}}; }
  static GgufValue text(std::string v) {
    return {GgufKind::kString, std::move(v)};
  }
};

struct GgufTensor {
  std::string name;
  std::vector<std::int64_t> shape;  // torch's order: slowest axis first
  std::uint32_t type = kGgmlF32;    // ggml type number
  std::uint64_t offset = 0;         // relative to the data
  std::uint64_t bytes = 0;          // 0 for types that nothing is known of

  // How many numbers it holds; 0 for such a type.
  std::int64_t numel() const;
};

struct GgufHeader {
  std::vector<std::pair<std::string, GgufValue>> metadata;
  std::vector<GgufTensor> tensors;
  std::uint64_t data_begin = 0;

  // Nothing if the key is not there.
  const GgufValue* find(std::string_view key) const;
};

// Reads and checks everything but the numbers. Throws Error{kBadInput} naming
// `origin` and the rule on: another magic or version, a count above 2^20, a
// string above 16 MB, an unknown kind, a key or tensor name given twice, more
// than 4 dimensions, rows that are no whole number of blocks, an offset off the
// alignment, anything that reaches beyond the file. Memory and time:
// proportional to the file.
GgufHeader parse_gguf(std::string_view bytes, std::string_view origin);

// The bytes of a tensor in its file. Throws Error{kBadInput} on a type that
// dequantise_blocks() does not know.
std::string_view gguf_blocks(std::string_view bytes, const GgufHeader& header,
                             const GgufTensor& tensor, std::string_view origin);

// The numbers of one tensor as floats; `bytes` is the whole file. Throws
// Error{kBadInput} on a type that dequantise_blocks() does not know.
std::vector<float> gguf_floats(std::string_view bytes, const GgufHeader& header,
                               const GgufTensor& tensor,
                               std::string_view origin);

// A tensor to write, as F32.
struct GgufFloats {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

// The bytes of a file: keys and tensors in the given order, alignment 32.
// Throws Error{kBadInput} on what the reader would refuse, a name longer than
// 63 bytes, or a shape that does not fit its values.
std::string gguf_bytes(
    const std::vector<std::pair<std::string, GgufValue>>& metadata,
    const std::vector<GgufFloats>& tensors);

}  // namespace veer
