// SPDX-License-Identifier: MIT
#include <bit>
#include <cstring>
#include <limits>
#include <set>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/gguf/blocks.h"
#include "veer/gguf/gguf.h"

namespace veer {
namespace {

constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxString = std::uint64_t{16} << 20;
constexpr int kMaxArrayDepth = 4;
constexpr std::uint64_t kDefaultAlignment = 32;

// Reads little-endian values from the front; never past the end.
class Cursor {
 public:
  Cursor(std::string_view bytes, std::string_view origin)
      : bytes_(bytes), origin_(origin) {}

  [[noreturn]] void refuse(const std::string& found,
                           std::string_view expected = {}) const {
    fail("read GGUF", fmt::format("{}, byte {}: {}", origin_, position_, found),
         expected);
  }

  std::string_view take(std::uint64_t n) {
    if (n > bytes_.size() - position_) {
      refuse("the file ends early", fmt::format("{} more bytes", n));
    }
    const auto piece = bytes_.substr(position_, n);
    position_ += n;
    return piece;
  }

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::uint64_t count(std::string_view what) {
    const auto n = number<std::uint64_t>();
    if (n > kMaxCount) {
      refuse(fmt::format("{} {}", n, what),
             fmt::format("at most {}", kMaxCount));
    }
    return n;
  }

  std::string string() {
    const auto n = number<std::uint64_t>();
    if (n > kMaxString) {
      refuse(fmt::format("a string of {} bytes", n), "at most 16 MB");
    }
    return std::string(take(n));
  }

  std::uint64_t position() const { return position_; }

 private:
  std::string_view bytes_;
  std::string_view origin_;
  std::uint64_t position_ = 0;
};

GgufKind read_kind(Cursor& cursor) {
  const auto kind = cursor.number<std::uint32_t>();
  if (kind > static_cast<std::uint32_t>(GgufKind::kF64)) {
    cursor.refuse(fmt::format("value kind {}", kind), "0 to 12");
  }
  return static_cast<GgufKind>(kind);
}

GgufValue read_value(Cursor& cursor, GgufKind kind, int depth);

GgufValue read_array(Cursor& cursor, int depth) {
  if (depth == kMaxArrayDepth) {
    cursor.refuse("arrays nest too deeply");
  }
  const GgufKind element = read_kind(cursor);
  const std::uint64_t n = cursor.count("array elements");
  std::vector<GgufValue> values;
  for (std::uint64_t i = 0; i < n; ++i) {
    values.push_back(read_value(cursor, element, depth + 1));
  }
  return {GgufKind::kArray, std::move(values), element};
}

GgufValue read_value(Cursor& cursor, GgufKind kind, int depth) {
  const auto unsigned_value = [&](std::uint64_t v) {
    return GgufValue{kind, v};
  };
  const auto signed_value = [&](std::int64_t v) { return GgufValue{kind, v}; };
  switch (kind) {
    case GgufKind::kU8:
      return unsigned_value(cursor.number<std::uint8_t>());
    case GgufKind::kU16:
      return unsigned_value(cursor.number<std::uint16_t>());
    case GgufKind::kU32:
      return unsigned_value(cursor.number<std::uint32_t>());
    case GgufKind::kU64:
      return unsigned_value(cursor.number<std::uint64_t>());
    case GgufKind::kI8:
      return signed_value(cursor.number<std::int8_t>());
    case GgufKind::kI16:
      return signed_value(cursor.number<std::int16_t>());
    case GgufKind::kI32:
      return signed_value(cursor.number<std::int32_t>());
    case GgufKind::kI64:
      return signed_value(cursor.number<std::int64_t>());
    case GgufKind::kF32:
      return {kind, static_cast<double>(cursor.number<float>())};
    case GgufKind::kF64:
      return {kind, cursor.number<double>()};
    case GgufKind::kBool: {
      const auto v = cursor.number<std::uint8_t>();
      if (v > 1) {
        cursor.refuse(fmt::format("a bool of {}", v), "0 or 1");
      }
      return unsigned_value(v);
    }
    case GgufKind::kString:
      return {kind, cursor.string()};
    case GgufKind::kArray:
      return read_array(cursor, depth);
  }
  cursor.refuse("an unknown kind");
}

// 0 for a type that nothing is known of: its numbers are never read.
std::uint64_t tensor_bytes(const Cursor& cursor, const GgufTensor& tensor) {
  const GgmlType* type = find_ggml_type(tensor.type);
  if (type == nullptr) {
    return 0;
  }
  const auto row = static_cast<std::uint64_t>(
      tensor.shape.empty() ? 1 : tensor.shape.back());
  if (row % type->block_numbers != 0) {
    cursor.refuse(
        fmt::format("tensor {} is {} with rows of {} numbers",
                    tensor.name.substr(0, 120), type->name, row),
        fmt::format("rows of whole blocks of {}", type->block_numbers));
  }
  std::uint64_t n = type->block_bytes;
  const auto multiply = [&](std::uint64_t size) {
    if (__builtin_mul_overflow(n, size, &n)) {
      cursor.refuse(fmt::format("the size of tensor {} overflows",
                                tensor.name.substr(0, 120)));
    }
  };
  multiply(row / type->block_numbers);
  for (std::size_t i = 0; i + 1 < tensor.shape.size(); ++i) {
    multiply(static_cast<std::uint64_t>(tensor.shape[i]));
  }
  return n;
}

GgufTensor read_tensor(Cursor& cursor) {
  GgufTensor tensor;
  tensor.name = cursor.string();
  const auto num_dims = cursor.number<std::uint32_t>();
  if (num_dims > 4) {
    cursor.refuse(fmt::format("tensor {} has {} dimensions",
                              tensor.name.substr(0, 120), num_dims),
                  "at most 4");
  }
  for (std::uint32_t i = 0; i < num_dims; ++i) {
    const auto size = cursor.number<std::uint64_t>();
    if (size >
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      cursor.refuse(fmt::format("a dimension of {}", size));
    }
    tensor.shape.insert(tensor.shape.begin(), static_cast<std::int64_t>(size));
  }
  tensor.type = cursor.number<std::uint32_t>();
  tensor.offset = cursor.number<std::uint64_t>();
  tensor.bytes = tensor_bytes(cursor, tensor);
  return tensor;
}

std::uint64_t alignment_of(const Cursor& cursor, const GgufHeader& header) {
  const GgufValue* value = header.find("general.alignment");
  if (value == nullptr) {
    return kDefaultAlignment;
  }
  const auto alignment = value->integer();
  if (value->kind != GgufKind::kU32 || !alignment || *alignment < 1 ||
      !std::has_single_bit(static_cast<std::uint64_t>(*alignment))) {
    cursor.refuse("general.alignment is no power of two of kind u32");
  }
  return static_cast<std::uint64_t>(*alignment);
}

void check_places(const Cursor& cursor, const GgufHeader& header,
                  std::uint64_t data_size, std::uint64_t alignment) {
  for (const auto& tensor : header.tensors) {
    std::uint64_t end = 0;
    if (tensor.offset % alignment != 0 ||
        __builtin_add_overflow(tensor.offset, tensor.bytes, &end) ||
        end > data_size) {
      cursor.refuse(
          fmt::format("tensor {} lies at {}, {} bytes",
                      tensor.name.substr(0, 120), tensor.offset, tensor.bytes),
          fmt::format("a multiple of {} within {} bytes of data", alignment,
                      data_size));
    }
  }
}

void read_metadata(Cursor& cursor, std::uint64_t n, GgufHeader& header) {
  std::set<std::string> keys;
  for (std::uint64_t i = 0; i < n; ++i) {
    std::string key = cursor.string();
    if (!keys.insert(key).second) {
      cursor.refuse(
          fmt::format("the key {} appears twice", key.substr(0, 120)));
    }
    const GgufKind kind = read_kind(cursor);
    header.metadata.emplace_back(std::move(key), read_value(cursor, kind, 0));
  }
}

void read_tensors(Cursor& cursor, std::uint64_t n, GgufHeader& header) {
  std::set<std::string> names;
  for (std::uint64_t i = 0; i < n; ++i) {
    header.tensors.push_back(read_tensor(cursor));
    const std::string& name = header.tensors.back().name;
    if (!names.insert(name).second) {
      cursor.refuse(
          fmt::format("the tensor {} appears twice", name.substr(0, 120)));
    }
  }
}

}  // namespace

std::int64_t GgufTensor::numel() const {
  const GgmlType* layout = find_ggml_type(type);
  return layout == nullptr
             ? 0
             : static_cast<std::int64_t>(bytes / layout->block_bytes *
                                         layout->block_numbers);
}

std::optional<std::int64_t> GgufValue::integer() const {
  if (kind == GgufKind::kBool) {
    return std::nullopt;
  }
  if (const auto* u = std::get_if<std::uint64_t>(&value)) {
    return *u <= std::numeric_limits<std::int64_t>::max()
               ? std::optional(static_cast<std::int64_t>(*u))
               : std::nullopt;
  }
  const auto* i = std::get_if<std::int64_t>(&value);
  return i != nullptr ? std::optional(*i) : std::nullopt;
}

std::optional<std::string> GgufValue::string() const {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? std::optional(*text) : std::nullopt;
}

const GgufValue* GgufHeader::find(std::string_view key) const {
  for (const auto& [name, value] : metadata) {
    if (name == key) {
      return &value;
    }
  }
  return nullptr;
}

GgufHeader parse_gguf(std::string_view bytes, std::string_view origin) {
  Cursor cursor(bytes, origin);
  if (cursor.take(4) != "GGUF") {
    cursor.refuse("this is no GGUF file", "the bytes GGUF at the start");
  }
  if (const auto version = cursor.number<std::uint32_t>();
      version != 2 && version != 3) {
    cursor.refuse(fmt::format("version {}", version), "2 or 3");
  }
  const auto num_tensors = cursor.count("tensors");
  const auto num_keys = cursor.count("keys");
  GgufHeader header;
  read_metadata(cursor, num_keys, header);
  read_tensors(cursor, num_tensors, header);
  const std::uint64_t alignment = alignment_of(cursor, header);
  const std::uint64_t begin =
      (cursor.position() + alignment - 1) / alignment * alignment;
  // A file without tensors may end before the padding.
  header.data_begin = std::min<std::uint64_t>(begin, bytes.size());
  check_places(cursor, header, bytes.size() - header.data_begin, alignment);
  return header;
}

std::string_view gguf_blocks(std::string_view bytes, const GgufHeader& header,
                             const GgufTensor& tensor,
                             std::string_view origin) {
  if (!can_dequantise(tensor.type)) {
    fail("read GGUF",
         fmt::format("{}: tensor {} is of {}", origin,
                     tensor.name.substr(0, 120), ggml_type_name(tensor.type)),
         dequantised_types(),
         "a kind of quantisation that Veer does not read; take a file of "
         "another one, such as Q4_K_M or Q8_0");
  }
  return bytes.substr(header.data_begin + tensor.offset, tensor.bytes);
}

std::vector<float> gguf_floats(std::string_view bytes, const GgufHeader& header,
                               const GgufTensor& tensor,
                               std::string_view origin) {
  const auto blocks = gguf_blocks(bytes, header, tensor, origin);
  std::vector<float> out(static_cast<std::size_t>(tensor.numel()));
  dequantise_blocks(tensor.type, blocks, out);
  return out;
}

}  // namespace veer
