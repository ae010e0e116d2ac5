// SPDX-License-Identifier: MIT
#include "veer/train/lora.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

void check_numbers(const LoraOptions& options) {
  if (options.rank < 1 || options.rank > 65536 ||
      !std::isfinite(options.alpha) || options.dropout < 0.0 ||
      options.dropout >= 1.0) {
    fail("LoRA options",
         fmt::format("rank {}, alpha {}, dropout {}", options.rank,
                     options.alpha, options.dropout),
         "rank from 1 to 65536 and dropout in [0, 1)");
  }
}

// Phi keeps q, k, v and gate, up in one matrix each.
bool is_part_of(const std::string& module, const std::string& last) {
  return (last == "qkv_proj" &&
          (module == "q_proj" || module == "k_proj" || module == "v_proj")) ||
         (last == "gate_up_proj" &&
          (module == "gate_proj" || module == "up_proj"));
}

std::int64_t layer_of(const std::string& path) {
  const std::string prefix = "model.layers.";
  return path.starts_with(prefix) ? std::stoll(path.substr(prefix.size())) : -1;
}

// Which of the linear layers the options choose; notes modules and layers
// that chose something.
class Chooser {
 public:
  explicit Chooser(const LoraOptions& options) : options_(options) {}

  bool chooses(const std::string& path) {
    const std::int64_t layer = layer_of(path);
    if (!options_.layers.empty() &&
        std::ranges::find(options_.layers, layer) == options_.layers.end()) {
      return false;
    }
    const std::string last = path.substr(path.rfind('.') + 1);
    bool chosen = false;
    for (const auto& module : options_.modules) {
      if (module == last || is_part_of(module, last)) {
        used_modules_.insert(module);
        used_layers_.insert(layer);
        chosen = true;
      }
    }
    return chosen;
  }

  void check_all_used() const {
    for (const auto& module : options_.modules) {
      if (!used_modules_.contains(module)) {
        fail("LoRA options",
             fmt::format("module '{}' fits no linear layer", module),
             "names such as q_proj or down_proj");
      }
    }
    for (const std::int64_t layer : options_.layers) {
      if (!used_layers_.contains(layer)) {
        fail("LoRA options", fmt::format("the model has no layer {}", layer));
      }
    }
    if (used_modules_.empty()) {
      fail("LoRA options", "no module is chosen", "at least one");
    }
  }

 private:
  const LoraOptions& options_;
  std::set<std::string> used_modules_;
  std::set<std::int64_t> used_layers_;
};

at::Tensor uniform(std::int64_t rows, std::int64_t columns, Random& random) {
  const at::Tensor out = at::empty({rows, columns}, at::kFloat);
  auto* data = out.mutable_data_ptr<float>();
  const double bound = 1.0 / std::sqrt(static_cast<double>(columns));
  for (std::int64_t i = 0; i < out.numel(); ++i) {
    data[i] = static_cast<float>((2.0 * random.uniform() - 1.0) * bound);
  }
  return out;
}

}  // namespace

Adapter make_adapter(const LinearLayers& layers, const LoraOptions& options,
                     Random random) {
  check_numbers(options);
  const auto rank = static_cast<double>(options.rank);
  const double scale =
      options.alpha / (options.rslora ? std::sqrt(rank) : rank);
  Chooser chooser(options);
  Adapter adapter;
  for (const auto& [path, shape] : layers) {
    if (!chooser.chooses(path)) {
      continue;
    }
    const auto& [out, in] = shape;
    adapter.pairs[path] = {
        .A_RI = uniform(options.rank, in, random).requires_grad_(true),
        .B_OR = at::zeros({out, options.rank}).requires_grad_(true),
        .scale = scale};
  }
  chooser.check_all_used();
  return adapter;
}

AdapterInfo adapter_info(const LoraOptions& options,
                         const std::string& base_model) {
  return {.base_model = base_model,
          .rank = options.rank,
          .alpha = options.alpha,
          .dropout = options.dropout,
          .rslora = options.rslora,
          .layers = options.layers};
}

}  // namespace veer
