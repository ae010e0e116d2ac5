// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/mapped_file.h"
#include "veer/gguf/gguf.h"

namespace veer {

// One file of a model.
struct GgufPart {
  std::filesystem::path path;
  std::shared_ptr<const MappedFile> file;
  GgufHeader header;
};

// A model in the GGUF layout: one file, or the parts of a split one, whose
// names end in -00001-of-00003.gguf and which the first one's metadata speak
// for. Values are read by key with the type they must have; every accessor
// throws Error{kBadInput} naming file and key on another one.
class GgufModel {
 public:
  // `path`: the file, or any part. Throws Error{kBadInput} as parse_gguf()
  // does, and where a part is missing, stands at another place, or repeats a
  // tensor.
  static GgufModel open(const std::filesystem::path& path);
  // One whole file that lies in memory, for `origin` in messages.
  static GgufModel of(GgufHeader header, std::string origin);

  const std::string& origin() const { return origin_; }
  const std::vector<GgufPart>& parts() const { return parts_; }
  const GgufHeader& metadata() const { return parts_.front().header; }
  // Null if no part holds it.
  const GgufTensor* tensor(std::string_view name) const;
  // The values of a tensor of numbers, such as the factors of a rope.
  std::vector<float> numbers(std::string_view name) const;

  bool has(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string> string(std::string_view key) const;
  // The elements; nothing if the key is not there.
  const std::vector<GgufValue>* list(std::string_view key) const;
  // The value, or Error where the key is missing.
  std::int64_t need_integer(std::string_view key) const;
  std::string need_string(std::string_view key) const;

  // Throws Error{kBadInput}: "FILE: KEY found".
  [[noreturn]] void refuse(std::string_view key, std::string_view found,
                           std::string_view expected,
                           std::string_view cause = {}) const;

 private:
  std::string origin_;
  std::vector<GgufPart> parts_;
};

}  // namespace veer
