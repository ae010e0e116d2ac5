// SPDX-License-Identifier: MIT
#include "veer/interventions/orthogonalise.h"

#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/base/python_json.h"
#include "veer/model/weights.h"

namespace veer {
namespace {

constexpr std::string_view kTask = "orthogonalise weights";
constexpr std::string_view kEmbedding = "model.embed_tokens.weight";
constexpr const char* kHead = "lm_head.weight";
constexpr const char* kOuterModel = "language_model.";

double norm(const at::Tensor& tensor) {
  return at::linalg_vector_norm(tensor, 2.0, std::nullopt, false, at::kDouble)
      .item<double>();
}

double ratio(double part, double whole) {
  return whole == 0.0 ? 0.0 : part / whole;
}

bool writes_residual(std::string_view plain) {
  return plain == kEmbedding || (plain.starts_with("model.layers.") &&
                                 (plain.ends_with(".self_attn.o_proj.weight") ||
                                  plain.ends_with(".self_attn.o_proj.bias") ||
                                  plain.ends_with(".mlp.down_proj.weight") ||
                                  plain.ends_with(".mlp.down_proj.bias")));
}

at::Tensor unit_of(const at::Tensor& direction_D, const ModelConfig& config) {
  const auto wide_D = direction_D.detach().cpu().to(at::kDouble);
  if (wide_D.dim() != 1 || wide_D.size(0) != config.width) {
    fail(kTask, fmt::format("a direction of {} values", wide_D.numel()),
         fmt::format("{}, the width of the model", config.width),
         "the vector belongs to another model");
  }
  const double length = norm(wide_D);
  if (!(length > 0.0) || !std::isfinite(length)) {
    fail(kTask, fmt::format("a direction of length {:g}", length),
         "a finite one other than zero", "the layer has no direction");
  }
  return wide_D / length;
}

void check_model(const ModelConfig& config, double share) {
  if (!(share >= 0.0 && share <= 1.0)) {
    fail(kTask, fmt::format("share {:g}", share), "a share from 0 to 1");
  }
  if (config.traits.post_norms) {
    fail(kTask,
         fmt::format("a {} model, which norms what a block writes before it "
                     "is added",
                     config.model_type),
         "a model whose weights write into the residual stream",
         "ablate at run time instead");
  }
}

// What a writer says along u: per token of the embedding [V, D], per input of
// a matrix [D, I], or a number for a bias [D].
at::Tensor along(const at::Tensor& wide, const at::Tensor& unit_D,
                 bool is_embedding) {
  return is_embedding ? wide.mv(unit_D) : unit_D.matmul(wide);
}

at::Tensor part_along(const at::Tensor& along_unit, const at::Tensor& unit_D,
                      bool is_embedding) {
  if (along_unit.dim() == 0) {
    return unit_D * along_unit;
  }
  return is_embedding ? along_unit.outer(unit_D) : unit_D.outer(along_unit);
}

OrthogonalisedWriter orthogonalise(const std::string& name, bool is_embedding,
                                   const at::Tensor& unit_D, double share,
                                   at::Tensor& weight) {
  const auto wide = weight.to(at::kDouble);
  const auto before = along(wide, unit_D, is_embedding);
  const auto change = part_along(before, unit_D, is_embedding) * share;
  const auto exact = wide - change;
  weight = exact.to(weight.scalar_type());
  const auto rounded = weight.to(at::kDouble);
  return {name, ratio(norm(rounded - exact), norm(change)),
          ratio(norm(along(rounded, unit_D, is_embedding)), norm(before))};
}

// Stores the tied head by itself, next to the embedding.
bool untie(const ModelConfig& config, TensorMap& weights) {
  if (!config.tied_head) {
    return false;
  }
  for (const auto& [name, tensor] : weights) {
    if (language_model_name(name) == kEmbedding) {
      // Beside the language model, where a multimodal checkpoint keeps it.
      const std::string head =
          (name.starts_with(kOuterModel) ? kOuterModel : std::string()) + kHead;
      // A copy that is stored already stays.
      weights.emplace(head, tensor);
      return true;
    }
  }
  return false;
}

}  // namespace

OrthogonalisedWeights orthogonalise_writers(const TensorMap& weights,
                                            const ModelConfig& config,
                                            const at::Tensor& direction_D,
                                            double share,
                                            const Monitor& monitor) {
  const at::NoGradGuard no_grad;
  check_model(config, share);
  const auto unit_D = unit_of(direction_D, config);
  OrthogonalisedWeights result{.weights = weights};
  result.unties_head = untie(config, result.weights);
  std::int64_t matrices = 0;
  const std::int64_t expected = 1 + 2 * config.num_layers;
  for (auto& [name, weight] : result.weights) {
    const auto plain = language_model_name(name);
    if (!plain || !writes_residual(*plain)) {
      continue;
    }
    monitor.check_stop(kTask);
    result.writers.push_back(
        orthogonalise(name, *plain == kEmbedding, unit_D, share, weight));
    matrices += weight.dim() == 2 ? 1 : 0;
    monitor.progress({.task = kTask,
                      .done = matrices,
                      .total = expected,
                      .unit = "matrices",
                      .note = {}});
  }
  if (matrices != expected) {
    fail(kTask, fmt::format("{} matrices that write", matrices),
         fmt::format("the embedding and two of each of {} layers",
                     config.num_layers),
         "the weights belong to another config");
  }
  return result;
}

std::string untied_config(std::string_view config_json) {
  Json config = parse_python_json(config_json, "config.json");
  config["tie_word_embeddings"] = false;
  return dump_json(config, 2) + "\n";
}

}  // namespace veer
