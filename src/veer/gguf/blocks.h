// SPDX-License-Identifier: MIT
//
// The numbers of ggml's blocks as fp32. A block holds 32 or 256 numbers as
// small whole ones with a scale d, with some types a least value m, and with
// the K types a further small scale for each 16 or 32 of them:
//
//   value = d * q,  d * q + m,  d * s * q,  d * s * q - m * t
//
// multiplied from the left and rounded to fp32 after each step, so that the
// values are bit for bit those of the Python package `gguf`
// (tools/parity/gguf_parity.py).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace veer {

// Whether dequantise_blocks() knows the type: F32 F16 BF16 F64 Q4_0 Q4_1 Q5_0
// Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS MXFP4.
bool can_dequantise(std::uint32_t type);

// The same types in words, for messages.
std::string_view dequantised_types();

// Writes the numbers of whole blocks. `blocks` holds out.size() / block_numbers
// of them, unaligned. Requires can_dequantise(type) and fitting sizes.
void dequantise_blocks(std::uint32_t type, std::string_view blocks,
                       std::span<float> out);

}  // namespace veer
