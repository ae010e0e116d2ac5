// SPDX-License-Identifier: MIT
//
// Attention on a card, by the two kernels that come with torch and hold no
// score matrix: flash attention (16 bit, compute capability 8 and above) and
// the memory-efficient one (every card and dtype, one key head per query head).
// They are called by name, because torch's own choice falls back to a matrix
// of fp32 scores where heads are grouped and a mask is given.
// No run on a real card was measured yet.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace veer {

struct AttentionSettings;

// Whether the memory-efficient kernel takes heads of this width.
bool has_efficient_attention(at::Device device, at::ScalarType dtype,
                             std::int64_t head_width);
// Whether the flash kernel does.
bool has_flash_attention(at::Device device, at::ScalarType dtype,
                         std::int64_t head_width);

// Causal attention of whole texts laid end to end, q [T, Q, H], k and v
// [T, K, H] -> [T, Q, H]: text b owns tokens offsets_B1[b] up to, not
// including, offsets_B1[b + 1] (int32). No gathering, padding or mask. Records
// gradients. A window needs the flash kernel.
at::Tensor attention_of_texts(const at::Tensor& q_TQH, const at::Tensor& k_TKH,
                              const at::Tensor& v_TKH,
                              const at::Tensor& offsets_B1,
                              std::int64_t longest,
                              const AttentionSettings& settings, bool flash);

// softmax(scale q k + bias) v by the memory-efficient kernel, as many heads in
// q [B, K, M, H] as in k and v [B, K, J, H]; bias [B, 1, M, J] in q's dtype,
// its rows 16 bytes apart or a multiple. Records gradients.
at::Tensor attention_with_bias(const at::Tensor& q_BKMH,
                               const at::Tensor& k_BKJH,
                               const at::Tensor& v_BKJH,
                               const at::Tensor& bias_B1MJ, double scale);

}  // namespace veer
