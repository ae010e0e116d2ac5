// SPDX-License-Identifier: MIT
#include "veer/tensors/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::size_t kMaxName = 4096;
constexpr std::size_t kMaxTensors = 1'000'000;
constexpr std::size_t kMaxRank = 8;
constexpr int kMaxDepth = 64;
constexpr std::string_view kWhiteSpace = " \t\r\n";

constexpr std::array<std::pair<std::string_view, int>, 22> kBits = {{
    {"BOOL", 8},    {"U8", 8},      {"I8", 8},          {"F8_E5M2", 8},
    {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
    {"I16", 16},    {"U16", 16},    {"F16", 16},        {"BF16", 16},
    {"I32", 32},    {"U32", 32},    {"F32", 32},        {"I64", 64},
    {"U64", 64},    {"F64", 64},    {"C64", 64},        {"F4", 4},
    {"F6_E2M3", 6}, {"F6_E3M2", 6},
}};

[[noreturn]] void reject(std::string_view origin, std::string_view found,
                         std::string_view reference,
                         std::string_view expected = {},
                         std::string_view cause = {}) {
  fail("read safetensors", fmt::format("{}: {} ({})", origin, found, reference),
       expected, cause);
}

// One name for messages, whatever the file put into it.
std::string shown(std::string_view name) {
  return std::string(name.substr(0, 120)) + (name.size() > 120 ? "..." : "");
}

// Collects the header's events. Streaming, because a document model would
// silently keep one of two tensors of the same name.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(std::string_view origin, SafetensorsHeader& out)
      : origin_(origin), out_(out) {}

  bool null() override {
    if (depth_ == 1 && in_metadata_) {
      in_metadata_ = false;
      return true;
    }
    return value("null");
  }
  bool boolean(bool) override { return value("a boolean"); }
  bool number_integer(number_integer_t) override {
    return value("a negative number");
  }
  bool number_float(number_float_t, const string_t& text) override {
    return value("the number " + shown(text));
  }
  bool binary(binary_t&) override { return value("binary data"); }

  bool number_unsigned(number_unsigned_t number) override {
    if (field_ == Field::kOther || numbers_ == nullptr) {
      return value("a number");
    }
    const std::size_t limit = field_ == Field::kShape ? kMaxRank : 2;
    if (numbers_->size() == limit) {
      bad(field_ == Field::kShape ? "has more than 8 dimensions"
                                  : "has more than two data_offsets");
    }
    numbers_->push_back(number);
    return true;
  }

  bool string(string_t& text) override {
    if (depth_ == 2 && in_metadata_) {
      out_.metadata[key_] = std::move(text);
      return true;
    }
    if (depth_ != 2 || field_ != Field::kDtype) {
      return value("a string");
    }
    if (safetensors_bits(text) == 0) {
      bad("has the unknown dtype " + shown(text));
    }
    entry_.dtype = std::move(text);
    return true;
  }

  bool start_object(std::size_t) override {
    enter();
    if (depth_ <= 2) {
      return true;
    }
    if (field_ != Field::kOther || in_metadata_) {
      value("an object");
    }
    return true;
  }

  bool key(string_t& name) override {
    if (depth_ == 1) {
      start_tensor(name);
    } else if (depth_ == 2 && in_metadata_) {
      key_ = std::move(name);
    } else if (depth_ == 2) {
      start_field(name);
    }
    return true;
  }

  bool end_object() override {
    --depth_;
    if (depth_ == 1) {
      if (!std::exchange(in_metadata_, false)) {
        finish_tensor();
      }
    }
    return true;
  }

  bool start_array(std::size_t) override {
    enter();
    if (depth_ == 2 && !in_metadata_) {
      bad("is an array instead of an object");
    }
    if (depth_ == 3 && !in_metadata_ && field_ == Field::kShape) {
      numbers_ = &shape_.emplace();
    } else if (depth_ == 3 && !in_metadata_ && field_ == Field::kOffsets) {
      numbers_ = &offsets_.emplace();
    } else if (field_ != Field::kOther || in_metadata_) {
      value("an array");
    }
    return true;
  }

  bool end_array() override {
    --depth_;
    numbers_ = nullptr;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& e) override {
    reject(origin_, fmt::format("header byte {}: {}", position, e.what()),
           "InvalidHeaderDeserialization", "a header of valid JSON");
  }

 private:
  enum class Field { kDtype, kShape, kOffsets, kOther };

  [[noreturn]] void bad(std::string_view what) {
    reject(origin_, fmt::format("tensor {} {}", shown(key_), what),
           "InvalidHeaderDeserialization");
  }

  // A value of the given kind arrived: fine only in a field we do not read.
  bool value(std::string_view kind) {
    if (in_metadata_) {
      reject(origin_,
             fmt::format("__metadata__ holds {} at key {}", kind, shown(key_)),
             "InvalidHeaderDeserialization", "strings only");
    }
    if (depth_ >= 2 && field_ == Field::kOther) {
      return true;
    }
    static constexpr std::array<std::string_view, 3> kNames = {"dtype", "shape",
                                                               "data_offsets"};
    if (depth_ < 2) {
      bad(fmt::format("is {} instead of an object", kind));
    }
    bad(fmt::format("has {} in {}", kind,
                    kNames[static_cast<std::size_t>(field_)]));
  }

  void enter() {
    if (++depth_ > kMaxDepth) {
      bad("nests too deeply");
    }
  }

  void start_tensor(std::string& name) {
    if (name.size() > kMaxName) {
      reject(origin_, fmt::format("a tensor name has {} bytes", name.size()),
             "InvalidHeader", "at most 4096");
    }
    if (!names_.insert(name).second) {
      reject(origin_, fmt::format("the name {} appears twice", shown(name)),
             "InvalidHeader", "each tensor once");
    }
    if (out_.entries.size() == kMaxTensors) {
      reject(origin_, "more than 1000000 tensors", "InvalidHeader");
    }
    in_metadata_ = name == "__metadata__";
    key_ = name;
    entry_ = {};
    shape_.reset();
    offsets_.reset();
    field_ = Field::kOther;
    seen_ = {};
  }

  void start_field(const std::string& name) {
    field_ = name == "dtype"          ? Field::kDtype
             : name == "shape"        ? Field::kShape
             : name == "data_offsets" ? Field::kOffsets
                                      : Field::kOther;
    if (field_ == Field::kOther) {
      return;
    }
    bool& seen = seen_[static_cast<std::size_t>(field_)];
    if (std::exchange(seen, true)) {
      bad("gives " + name + " twice");
    }
  }

  void finish_tensor() {
    if (entry_.dtype.empty() || !shape_ || !offsets_ || offsets_->size() != 2) {
      bad("lacks dtype, shape or two data_offsets");
    }
    entry_.name = key_;
    for (const std::uint64_t size : *shape_) {
      if (size > std::numeric_limits<std::int64_t>::max()) {
        reject(
            origin_,
            fmt::format("tensor {} has a dimension of {}", shown(key_), size),
            "ValidationOverflow");
      }
      entry_.shape.push_back(static_cast<std::int64_t>(size));
    }
    entry_.begin = (*offsets_)[0];
    entry_.end = (*offsets_)[1];
    out_.entries.push_back(std::move(entry_));
  }

  std::string_view origin_;
  SafetensorsHeader& out_;
  int depth_ = 0;
  bool in_metadata_ = false;
  std::string key_;
  Field field_ = Field::kOther;
  std::array<bool, 3> seen_ = {};
  SafetensorsEntry entry_;
  std::optional<std::vector<std::uint64_t>> shape_;
  std::optional<std::vector<std::uint64_t>> offsets_;
  std::vector<std::uint64_t>* numbers_ = nullptr;
  std::unordered_set<std::string> names_;
};

// Bytes that shape and dtype ask for.
std::uint64_t expected_bytes(const SafetensorsEntry& entry,
                             std::string_view origin) {
  std::uint64_t bits = 1;
  bool overflow = false;
  for (const std::int64_t size : entry.shape) {
    overflow |=
        __builtin_mul_overflow(bits, static_cast<std::uint64_t>(size), &bits);
  }
  overflow |= __builtin_mul_overflow(
      bits, static_cast<std::uint64_t>(safetensors_bits(entry.dtype)), &bits);
  if (overflow) {
    reject(origin,
           fmt::format("the size of tensor {} overflows", shown(entry.name)),
           "ValidationOverflow");
  }
  if (bits % 8 != 0) {
    reject(origin,
           fmt::format("tensor {} ends within a byte", shown(entry.name)),
           "MisalignedSlice");
  }
  return bits / 8;
}

void check_layout(SafetensorsHeader& header, std::uint64_t data_size,
                  std::string_view origin) {
  std::ranges::sort(header.entries, {}, [](const SafetensorsEntry& e) {
    return std::pair(e.begin, e.end);
  });
  std::uint64_t position = 0;
  for (const auto& entry : header.entries) {
    if (entry.begin != position || entry.end < entry.begin) {
      reject(
          origin,
          fmt::format("tensor {} lies at bytes {}..{}", shown(entry.name),
                      entry.begin, entry.end),
          "InvalidOffset",
          fmt::format("it to begin at {}, without hole or overlap", position));
    }
    const std::uint64_t bytes = expected_bytes(entry, origin);
    if (entry.end - entry.begin != bytes) {
      reject(origin,
             fmt::format("tensor {} has {} bytes", shown(entry.name),
                         entry.end - entry.begin),
             "TensorInvalidInfo",
             fmt::format("{} for its shape and dtype", bytes));
    }
    position = entry.end;
  }
  if (position != data_size) {
    reject(origin, fmt::format("{} bytes of data", data_size),
           "MetadataIncompleteBuffer",
           fmt::format("{} as the header says", position),
           position > data_size ? "the file was cut short" : "");
  }
}

std::uint64_t header_length(std::string_view bytes, std::uint64_t file_size,
                            std::string_view origin) {
  if (bytes.starts_with("version https://git-lfs")) {
    reject(origin, "this is a Git LFS pointer, not the tensors",
           "HeaderTooLarge", "a safetensors file",
           "the repository was cloned without git-lfs; run `git lfs pull`");
  }
  if (file_size < 8 || bytes.size() < 8) {
    reject(origin, fmt::format("the file has {} bytes", file_size),
           "HeaderTooSmall", "at least 8",
           file_size == 0 ? "an interrupted download" : "");
  }
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) {
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  }
  if (length > kSafetensorsMaxHeader) {
    reject(origin, fmt::format("the header has {} bytes", length),
           "HeaderTooLarge", "at most 100000000",
           "this is no safetensors file");
  }
  if (length > file_size - 8 || length > bytes.size() - 8) {
    reject(
        origin,
        fmt::format("a header of {} bytes in a file of {}", length, file_size),
        "InvalidHeaderLength", {}, "the file was cut short");
  }
  return length;
}

}  // namespace

int safetensors_bits(std::string_view dtype) {
  for (const auto& [name, bits] : kBits) {
    if (name == dtype) {
      return bits;
    }
  }
  return 0;
}

SafetensorsHeader parse_safetensors_header(std::string_view bytes,
                                           std::uint64_t file_size,
                                           std::string_view origin) {
  const std::uint64_t length = header_length(bytes, file_size, origin);
  const std::string_view text = bytes.substr(8, length);
  const auto begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos || text[begin] != '{') {
    reject(origin, "the header does not begin with {", "InvalidHeaderStart", {},
           "this is no safetensors file");
  }
  // The JSON reader below takes a NUL for the end of its input.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    reject(origin, fmt::format("header byte {}: a NUL", nul),
           "InvalidHeaderDeserialization", "valid JSON, padded with spaces");
  }
  SafetensorsHeader header;
  header.data_begin = 8 + length;
  HeaderReader reader(origin, header);
  nlohmann::json::sax_parse(text, &reader);
  check_layout(header, file_size - header.data_begin, origin);
  return header;
}

}  // namespace veer
