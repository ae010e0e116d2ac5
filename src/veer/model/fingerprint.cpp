// SPDX-License-Identifier: MIT
#include "veer/model/fingerprint.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "veer/base/hash.h"

namespace veer {
namespace {

std::string describe(const RopeConfig& rope) {
  return fmt::format(
      "{} {:.17g} {:.17g} {:.17g} {:.17g} {} {:.17g} {:.17g} {:.17g} {:.17g} "
      "{} [{}] [{}]",
      rope.type, rope.theta, rope.factor, rope.low_freq_factor,
      rope.high_freq_factor, rope.original_max_positions,
      rope.partial_rotary_factor, rope.attention_factor, rope.beta_fast,
      rope.beta_slow, rope.truncate, fmt::join(rope.short_factor, " "),
      fmt::join(rope.long_factor, " "));
}

std::string describe(const ModelConfig& config) {
  std::string kinds;
  for (const LayerKind kind : config.layer_kinds) {
    kinds += kind == LayerKind::kFull ? 'f' : 's';
  }
  return fmt::format("{} {} {:.17g} {:.17g} {:.17g} {:.17g} {} {} {}\n{}\n{}\n",
                     config.model_type, config.num_kv_heads, config.norm_eps,
                     config.attention_scale, config.attention_softcap,
                     config.logit_softcap, config.sliding_window,
                     static_cast<int>(config.activation), kinds,
                     describe(config.rope),
                     config.sliding_rope ? describe(*config.sliding_rope) : "");
}

at::ScalarType type_of(const at::Tensor& weight,
                       std::optional<at::ScalarType> as) {
  return as.value_or(weight.scalar_type());
}

}  // namespace

std::string model_fingerprint(
    const ModelConfig& config,
    const std::vector<std::pair<std::string, at::Tensor>>& weights,
    std::optional<at::ScalarType> as) {
  const auto count = std::ssize(weights);
  std::vector<std::uint64_t> hashes(weights.size());
  at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto bytes = weights[i]
                             .second.detach()
                             .cpu()
                             .to(type_of(weights[i].second, as))
                             .contiguous();
      hashes[i] =
          hash64({static_cast<const char*>(bytes.data_ptr()), bytes.nbytes()});
    }
  });
  std::string text = describe(config);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& [name, weight] = weights[i];
    text += fmt::format("{} {} [{}] {:016x}\n", name,
                        static_cast<int>(type_of(weight, as)),
                        fmt::join(weight.sizes(), ","), hashes[i]);
  }
  return fingerprint(text);
}

}  // namespace veer
