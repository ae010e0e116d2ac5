// SPDX-License-Identifier: MIT
//
// The header of a safetensors file, checked completely before any tensor is
// touched. No torch here: the fuzz target and `veer inspect` use it alone.
// Layout and rules: docs/formats/safetensors.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace veer {

struct SafetensorsEntry {
  std::string name;
  std::string dtype;                // "F32", one of the format's names
  std::vector<std::int64_t> shape;  // C order; empty = one value
  std::uint64_t begin = 0;          // bytes, relative to data_begin
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // in the order of their bytes
  std::map<std::string, std::string> metadata;
  std::uint64_t data_begin = 0;  // offset of the first data byte in the file
};

// Bits of one element, 0 for a name that the format does not know.
int safetensors_bits(std::string_view dtype);

// Bytes of an unsigned header length N and of the largest header accepted.
inline constexpr std::uint64_t kSafetensorsMaxHeader = 100'000'000;

// Reads the header out of the first bytes of a file of `file_size` bytes;
// `bytes` must hold them up to the end of the header if the file does.
// `origin` (the file's name) appears in messages.
//
// Throws Error{kBadInput} when the file breaks a rule of the format; the
// message names the file, the tensor, the rule, and in parentheses the error
// of the reference implementation (InvalidOffset, ...). Ours in addition: a
// name given twice, longer than 4096 bytes, more than 10^6 tensors, more than
// 8 dimensions. Memory: proportional to the header.
SafetensorsHeader parse_safetensors_header(std::string_view bytes,
                                           std::uint64_t file_size,
                                           std::string_view origin);

// Tensor name -> shard file name of a model.safetensors.index.json. Values
// must be plain file names. Throws Error{kBadInput} naming `origin`.
std::map<std::string, std::string> parse_shard_index(std::string_view json,
                                                     std::string_view origin);

}  // namespace veer
