// SPDX-License-Identifier: MIT
#include "veer/model/attention_device.h"

#include <optional>

#include <ATen/ops/_efficient_attention_forward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <c10/core/GradMode.h>

#include "veer/model/attention.h"
#include "veer/tensors/device.h"

namespace veer {
namespace {

constexpr std::int64_t kWidestFlashHead = 256;

bool is_16_bit(at::ScalarType dtype) {
  return dtype == at::kHalf || dtype == at::kBFloat16;
}

// What the kernels number their masks with.
constexpr std::int64_t kNoMask = 0;
constexpr std::int64_t kCausalMask = 1;

template <class... Tensors>
bool records(const Tensors&... inputs) {
  return c10::GradMode::is_enabled() && (inputs.requires_grad() || ...);
}

// Key heads repeated, one for each query head: [T, K, H] -> [T, Q, H].
at::Tensor one_per_query(const at::Tensor& x_TKH, std::int64_t query_heads) {
  const std::int64_t group = query_heads / x_TKH.size(1);
  if (group == 1) {
    return x_TKH;
  }
  return x_TKH.unsqueeze(2)
      .expand({x_TKH.size(0), x_TKH.size(1), group, x_TKH.size(2)})
      .flatten(1, 2);
}

}  // namespace

bool has_efficient_attention(at::Device device, at::ScalarType dtype,
                             std::int64_t head_width) {
  return !device.is_cpu() && ((is_16_bit(dtype) && head_width % 8 == 0) ||
                              (dtype == at::kFloat && head_width % 4 == 0));
}

bool has_flash_attention(at::Device device, at::ScalarType dtype,
                         std::int64_t head_width) {
  return !device.is_cpu() && is_16_bit(dtype) && head_width % 8 == 0 &&
         head_width <= kWidestFlashHead && computes_in_bfloat16(device);
}

at::Tensor attention_of_texts(const at::Tensor& q_TQH, const at::Tensor& k_TKH,
                              const at::Tensor& v_TKH,
                              const at::Tensor& offsets_B1,
                              std::int64_t longest,
                              const AttentionSettings& settings, bool flash) {
  const bool windowed = settings.window > 0 && settings.window < longest;
  if (flash) {
    // Its window counts the tokens before the query, ours the query as well.
    return std::get<0>(at::_flash_attention_forward(
        q_TQH, k_TKH, v_TKH, offsets_B1, offsets_B1, longest, longest,
        /*dropout_p=*/0.0, /*is_causal=*/true, /*return_debug_mask=*/false,
        settings.scale,
        windowed ? std::optional(settings.window - 1) : std::nullopt,
        windowed ? std::optional<std::int64_t>(0) : std::nullopt));
  }
  const std::int64_t heads = q_TQH.size(1);
  return std::get<0>(at::_efficient_attention_forward(
                         q_TQH.unsqueeze(0),
                         one_per_query(k_TKH, heads).unsqueeze(0),
                         one_per_query(v_TKH, heads).unsqueeze(0),
                         /*bias=*/{}, offsets_B1, offsets_B1, longest, longest,
                         /*dropout_p=*/0.0, kCausalMask,
                         records(q_TQH, k_TKH, v_TKH), settings.scale))
      .squeeze(0);
}

at::Tensor attention_with_bias(const at::Tensor& q_BKMH,
                               const at::Tensor& k_BKJH,
                               const at::Tensor& v_BKJH,
                               const at::Tensor& bias_B1MJ, double scale) {
  const auto bias_BKMJ = bias_B1MJ.expand(
      {q_BKMH.size(0), q_BKMH.size(1), q_BKMH.size(2), k_BKJH.size(2)});
  return std::get<0>(at::_efficient_attention_forward(
                         q_BKMH.transpose(1, 2), k_BKJH.transpose(1, 2),
                         v_BKJH.transpose(1, 2), bias_BKMJ,
                         /*cu_seqlens_q=*/{}, /*cu_seqlens_k=*/{},
                         /*max_seqlen_q=*/{}, /*max_seqlen_k=*/{},
                         /*dropout_p=*/0.0, kNoMask,
                         records(q_BKMH, k_BKJH, v_BKJH), scale))
      .transpose(1, 2);
}

}  // namespace veer
