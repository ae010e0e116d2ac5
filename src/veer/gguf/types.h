// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace veer {

inline constexpr std::uint32_t kGgmlF32 = 0;
inline constexpr std::uint32_t kGgmlF16 = 1;
inline constexpr std::uint32_t kGgmlF64 = 28;
inline constexpr std::uint32_t kGgmlBf16 = 30;

// How a tensor of a ggml type lies in the file: blocks of so many numbers that
// take so many bytes, along the fastest axis.
struct GgmlType {
  std::uint32_t number = 0;
  std::string_view name;
  std::uint64_t block_numbers = 1;
  std::uint64_t block_bytes = 0;
};

// Null for a number that stands for no type known here.
const GgmlType* find_ggml_type(std::uint32_t number);

// "Q4_K", or "type 77".
std::string ggml_type_name(std::uint32_t number);

// Whether the numbers are packed in blocks with a scale.
bool is_quantised(std::uint32_t number);

}  // namespace veer
