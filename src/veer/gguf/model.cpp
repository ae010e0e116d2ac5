// SPDX-License-Identifier: MIT
#include "veer/gguf/model.h"

#include <map>
#include <utility>

#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxParts = 1000;
constexpr std::size_t kSuffix = std::string_view("-00001-of-00003").size();
constexpr const char* kCount = "split.count";
constexpr const char* kNumber = "split.no";

GgufPart open_part(const fs::path& path) {
  GgufPart part;
  part.path = path;
  part.file = MappedFile::open(path);
  part.header = parse_gguf(part.file->bytes(), path.string());
  return part;
}

std::int64_t number_of(const GgufPart& part, const char* key,
                       std::int64_t absent) {
  const GgufValue* value = part.header.find(key);
  return value == nullptr ? absent : value->integer().value_or(-1);
}

// "model" of "model-00002-of-00003.gguf".
std::string split_stem(const fs::path& path, std::int64_t count) {
  const std::string stem = path.stem().string();
  const std::string ending = fmt::format("-of-{:05}", count);
  if (stem.size() <= kSuffix || !stem.ends_with(ending)) {
    fail("read GGUF",
         fmt::format("{} is one of {} parts", path.string(), count),
         fmt::format("a name that ends in -00001{}.gguf", ending),
         "a part that was renamed");
  }
  return stem.substr(0, stem.size() - kSuffix);
}

std::vector<GgufPart> open_parts(GgufPart given) {
  const std::int64_t count = number_of(given, kCount, 1);
  if (count < 1 || count > kMaxParts) {
    fail("read GGUF",
         fmt::format("{}: {} is {}", given.path.string(), kCount, count),
         fmt::format("1 to {}", kMaxParts));
  }
  std::vector<GgufPart> parts;
  if (count == 1) {
    parts.push_back(std::move(given));
    return parts;
  }
  const std::string stem = split_stem(given.path, count);
  for (std::int64_t i = 0; i < count; ++i) {
    const fs::path path =
        given.path.parent_path() /
        fmt::format("{}-{:05}-of-{:05}.gguf", stem, i + 1, count);
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) {
      fail("read GGUF", path.string() + " is missing",
           fmt::format("all {} parts in one folder", count),
           "an interrupted download; fetch the missing part");
    }
    parts.push_back(open_part(path));
    if (number_of(parts.back(), kNumber, -1) != i ||
        number_of(parts.back(), kCount, -1) != count) {
      fail("read GGUF",
           fmt::format("{} says it is part {} of {}", path.string(),
                       number_of(parts.back(), kNumber, -1) + 1,
                       number_of(parts.back(), kCount, -1)),
           fmt::format("part {} of {}", i + 1, count),
           "parts of two models were mixed");
    }
  }
  return parts;
}

void require_each_once(const std::vector<GgufPart>& parts) {
  std::map<std::string_view, const GgufPart*> holders;
  for (const GgufPart& part : parts) {
    for (const GgufTensor& tensor : part.header.tensors) {
      const auto [other, is_new] = holders.emplace(tensor.name, &part);
      if (!is_new) {
        fail("read GGUF",
             fmt::format("{} and {} both hold tensor {}",
                         other->second->path.string(), part.path.string(),
                         tensor.name.substr(0, 120)),
             "each tensor in one part", "parts of two models were mixed");
      }
    }
  }
}

}  // namespace

GgufModel GgufModel::open(const fs::path& path) {
  GgufModel model;
  model.parts_ = open_parts(open_part(path));
  model.origin_ = model.parts_.front().path.string();
  require_each_once(model.parts_);
  return model;
}

GgufModel GgufModel::of(GgufHeader header, std::string origin) {
  GgufModel model;
  model.parts_.push_back({origin, nullptr, std::move(header)});
  model.origin_ = std::move(origin);
  return model;
}

const GgufTensor* GgufModel::tensor(std::string_view name) const {
  for (const GgufPart& part : parts_) {
    for (const GgufTensor& tensor : part.header.tensors) {
      if (tensor.name == name) {
        return &tensor;
      }
    }
  }
  return nullptr;
}

std::vector<float> GgufModel::numbers(std::string_view name) const {
  for (const GgufPart& part : parts_) {
    for (const GgufTensor& tensor : part.header.tensors) {
      if (tensor.name == name && part.file != nullptr) {
        return gguf_floats(part.file->bytes(), part.header, tensor,
                           part.path.string());
      }
    }
  }
  return {};
}

void GgufModel::refuse(std::string_view key, std::string_view found,
                       std::string_view expected,
                       std::string_view cause) const {
  fail("read GGUF model", fmt::format("{}: {} {}", origin_, key, found),
       expected, cause);
}

bool GgufModel::has(std::string_view key) const {
  return metadata().find(key) != nullptr;
}

std::optional<std::int64_t> GgufModel::integer(std::string_view key) const {
  const GgufValue* value = metadata().find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  const auto number = value->integer();
  if (!number) {
    refuse(key,
           value->kind == GgufKind::kArray ? "is a list" : "is no whole number",
           "one whole number",
           value->kind == GgufKind::kArray
               ? "layers that differ from each other, which Veer does not "
                 "compute"
               : "");
  }
  return number;
}

std::optional<double> GgufModel::number(std::string_view key) const {
  const GgufValue* value = metadata().find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (const auto* real = std::get_if<double>(&value->value)) {
    return *real;
  }
  if (const auto whole = value->integer()) {
    return static_cast<double>(*whole);
  }
  refuse(key, "is no number", "a number");
}

std::optional<bool> GgufModel::boolean(std::string_view key) const {
  const GgufValue* value = metadata().find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->kind != GgufKind::kBool) {
    refuse(key, "is no bool", "true or false");
  }
  return std::get<std::uint64_t>(value->value) != 0;
}

std::optional<std::string> GgufModel::string(std::string_view key) const {
  const GgufValue* value = metadata().find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->kind != GgufKind::kString) {
    refuse(key, "is no text", "text");
  }
  return value->string();
}

const std::vector<GgufValue>* GgufModel::list(std::string_view key) const {
  const GgufValue* value = metadata().find(key);
  if (value == nullptr) {
    return nullptr;
  }
  const auto* list = std::get_if<std::vector<GgufValue>>(&value->value);
  if (list == nullptr) {
    refuse(key, "is no list", "a list");
  }
  return list;
}

std::int64_t GgufModel::need_integer(std::string_view key) const {
  const auto value = integer(key);
  if (!value) {
    refuse(key, "is missing", "a whole number",
           "not the file of a language model");
  }
  return *value;
}

std::string GgufModel::need_string(std::string_view key) const {
  const auto value = string(key);
  if (!value) {
    refuse(key, "is missing", "text", "not the file of a language model");
  }
  return *value;
}

}  // namespace veer
