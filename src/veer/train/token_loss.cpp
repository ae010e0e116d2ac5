// SPDX-License-Identifier: MIT
#include "veer/train/token_loss.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/core.h>
#include <torch/csrc/autograd/custom_function.h>

#include "veer/base/error.h"
#include "veer/model/transformer.h"

namespace veer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

void check_shapes(const at::Tensor& rows, const at::Tensor& targets_N,
                  const at::Tensor& weights_N) {
  if (rows.dim() != 2 || targets_N.dim() != 1 ||
      weights_N.sizes() != targets_N.sizes() ||
      rows.size(0) != targets_N.size(0) ||
      targets_N.scalar_type() != at::kLong ||
      weights_N.scalar_type() != at::kFloat) {
    fail("token loss",
         fmt::format("{} rows, {} targets, {} weights",
                     rows.dim() == 2 ? rows.size(0) : -1, targets_N.numel(),
                     weights_N.numel()),
         "as many int64 targets and fp32 weights as rows");
  }
}

void check_targets(const at::Tensor& targets_N, std::int64_t vocab) {
  if (targets_N.is_cpu() && targets_N.numel() > 0 &&
      (targets_N.min().item<std::int64_t>() < 0 ||
       targets_N.max().item<std::int64_t>() >= vocab)) {
    fail("token loss", "a target outside the vocabulary",
         fmt::format("ids from 0 to {}", vocab - 1));
  }
}

// log p(target) of one row; with `scale` not 0 the row becomes
// scale * (softmax - onehot).
template <class T>
float row_loss(T* z, std::int64_t vocab, std::int64_t target, float scale,
               bool write_gradient) {
  float top = static_cast<float>(z[0]);
  for (std::int64_t i = 1; i < vocab; ++i) {
    top = std::max(top, static_cast<float>(z[i]));
  }
  const float chosen = static_cast<float>(z[target]) - top;
  // Most of a large vocabulary lies so far below the top that one float, once
  // it holds the likely words, no longer grows with the others.
  double sum = 0.0;
  for (std::int64_t i = 0; i < vocab; ++i) {
    sum += std::exp(static_cast<float>(z[i]) - top);
  }
  if (write_gradient) {
    const auto factor = static_cast<float>(scale / sum);
    for (std::int64_t i = 0; i < vocab; ++i) {
      z[i] = static_cast<T>(std::exp(static_cast<float>(z[i]) - top) * factor);
    }
    z[target] = static_cast<T>(std::exp(chosen) * factor - scale);
  }
  return static_cast<float>(chosen - std::log(sum));
}

at::Tensor rows_cpu(const at::Tensor& logits_NV, const at::Tensor& targets_N,
                    const at::Tensor& weights_N, double denominator,
                    bool write_gradient) {
  const std::int64_t n = logits_NV.size(0);
  const std::int64_t vocab = logits_NV.size(1);
  const at::Tensor log_probs_N = at::empty({n}, at::kFloat);
  const auto* target = targets_N.const_data_ptr<std::int64_t>();
  const auto* weight = weights_N.const_data_ptr<float>();
  auto* out = log_probs_N.mutable_data_ptr<float>();
  AT_DISPATCH_FLOATING_TYPES_AND2(
      at::kBFloat16, at::kHalf, logits_NV.scalar_type(), "token_loss", [&] {
        auto* z = static_cast<scalar_t*>(logits_NV.data_ptr());
        at::parallel_for(0, n, 8, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t r = begin; r < end; ++r) {
            out[r] = row_loss(z + r * vocab, vocab, target[r],
                              static_cast<float>(weight[r] / denominator),
                              write_gradient);
          }
        });
      });
  return log_probs_N;
}

at::Tensor rows_generic(const at::Tensor& logits_NV,
                        const at::Tensor& targets_N,
                        const at::Tensor& weights_N, double denominator,
                        bool write_gradient) {
  const auto z_NV = logits_NV.to(at::kFloat);
  const auto total_N1 = at::logsumexp(z_NV, {1}, /*keepdim=*/true);
  const auto chosen_N1 = z_NV.gather(1, targets_N.unsqueeze(1));
  const auto log_probs_N = (chosen_N1 - total_N1).squeeze(1);
  if (write_gradient) {
    const auto scale_N1 = (weights_N / denominator).unsqueeze(1);
    auto grad_NV = (z_NV - total_N1).exp_().mul_(scale_N1);
    grad_NV.scatter_add_(1, targets_N.unsqueeze(1), -scale_N1);
    logits_NV.copy_(grad_NV);
  }
  return log_probs_N;
}

// log p of every row; afterwards logits_NV holds the gradient if asked for.
at::Tensor loss_rows(const at::Tensor& logits_NV, const at::Tensor& targets_N,
                     const at::Tensor& weights_N, double denominator,
                     bool write_gradient) {
  const bool on_cpu =
      logits_NV.is_cpu() && targets_N.is_cpu() && weights_N.is_cpu();
  auto* const rows = on_cpu ? &rows_cpu : &rows_generic;
  return rows(logits_NV, targets_N, weights_N, denominator, write_gradient);
}

at::Tensor total(const at::Tensor& log_probs_N, const at::Tensor& weights_N,
                 double denominator) {
  // Summed in float64: the reported loss does not depend on the batch's size.
  return (log_probs_N.to(at::kDouble) * weights_N)
      .sum()
      .div_(-denominator)
      .to(at::kFloat);
}

at::Tensor scaled(const at::Tensor& gradient, const at::Tensor& upstream) {
  // A card would wait for the answer.
  return upstream.is_cpu() && upstream.item<float>() == 1.0F
             ? gradient
             : gradient * upstream.to(gradient.scalar_type());
}

class LogitsLoss : public torch::autograd::Function<LogitsLoss> {
 public:
  static variable_list forward(AutogradContext* context,
                               const at::Tensor& logits_NV,
                               const at::Tensor& targets_N,
                               const at::Tensor& weights_N,
                               double denominator) {
    const at::Tensor buffer_NV = logits_NV.detach();
    auto log_probs_N = loss_rows(buffer_NV, targets_N, weights_N, denominator,
                                 /*write_gradient=*/true);
    context->saved_data["gradient"] = buffer_NV;
    context->mark_non_differentiable({log_probs_N});
    return {total(log_probs_N, weights_N, denominator), log_probs_N};
  }
  static variable_list backward(AutogradContext* context,
                                variable_list upstream) {
    const auto gradient_NV = context->saved_data["gradient"].toTensor();
    return {scaled(gradient_NV, upstream[0]), {}, {}, {}};
  }
};

// One chunk through norm and head; returns log p and d loss / d hidden.
std::pair<at::Tensor, at::Tensor> head_chunk(const Transformer& model,
                                             const at::Tensor& hidden_ND,
                                             const at::Tensor& targets_N,
                                             const at::Tensor& weights_N,
                                             double denominator,
                                             const AdapterStrength& strength) {
  const at::AutoGradMode with_grad(true);
  const auto leaf_ND = hidden_ND.detach().requires_grad_(true);
  const auto logits_NV = model.logits(leaf_ND, strength);
  // A soft cap's tanh keeps its output for the backward pass.
  const auto buffer_NV = model.config().logit_softcap > 0.0
                             ? logits_NV.detach().clone()
                             : logits_NV.detach();
  auto log_probs_N = loss_rows(buffer_NV, targets_N, weights_N, denominator,
                               /*write_gradient=*/true);
  logits_NV.backward(buffer_NV);
  return {std::move(log_probs_N), leaf_ND.grad()};
}

class HeadLoss : public torch::autograd::Function<HeadLoss> {
 public:
  static variable_list forward(AutogradContext* context,
                               const at::Tensor& hidden_ND,
                               const at::Tensor& targets_N,
                               const at::Tensor& weights_N, double denominator,
                               std::int64_t model, std::int64_t chunk_rows,
                               double uniform_strength) {
    AdapterStrength strength;
    strength.uniform = uniform_strength;
    const auto& transformer = *reinterpret_cast<const Transformer*>(model);
    std::vector<at::Tensor> log_probs;
    std::vector<at::Tensor> gradients;
    for (std::int64_t i = 0; i < hidden_ND.size(0); i += chunk_rows) {
      const auto n = std::min(chunk_rows, hidden_ND.size(0) - i);
      auto [lp_N, grad_ND] = head_chunk(
          transformer, hidden_ND.narrow(0, i, n), targets_N.narrow(0, i, n),
          weights_N.narrow(0, i, n), denominator, strength);
      log_probs.push_back(std::move(lp_N));
      gradients.push_back(std::move(grad_ND));
    }
    auto log_probs_N = at::cat(log_probs);
    context->saved_data["gradient"] = at::cat(gradients);
    context->mark_non_differentiable({log_probs_N});
    return {total(log_probs_N, weights_N, denominator), log_probs_N};
  }
  static variable_list backward(AutogradContext* context,
                                variable_list upstream) {
    const auto gradient_ND = context->saved_data["gradient"].toTensor();
    return {scaled(gradient_ND, upstream[0]), {}, {}, {}, {}, {}, {}};
  }
};

at::Tensor log_probs_in_chunks(const Transformer& model,
                               const at::Tensor& hidden_ND,
                               const at::Tensor& targets_N,
                               const at::Tensor& weights_N,
                               std::int64_t chunk_rows,
                               const AdapterStrength& strength) {
  std::vector<at::Tensor> log_probs;
  for (std::int64_t i = 0; i < hidden_ND.size(0); i += chunk_rows) {
    const auto n = std::min(chunk_rows, hidden_ND.size(0) - i);
    log_probs.push_back(
        loss_rows(model.logits(hidden_ND.narrow(0, i, n), strength),
                  targets_N.narrow(0, i, n), weights_N.narrow(0, i, n), 1.0,
                  /*write_gradient=*/false));
  }
  return at::cat(log_probs);
}

void check_not_empty(const at::Tensor& rows) {
  if (rows.size(0) == 0) {
    fail("token loss", "no row", "at least one supervised token");
  }
}

}  // namespace

TokenLoss token_loss(const at::Tensor& logits_NV, const at::Tensor& targets_N,
                     const at::Tensor& weights_N, double denominator) {
  check_shapes(logits_NV, targets_N, weights_N);
  check_not_empty(logits_NV);
  check_targets(targets_N, logits_NV.size(1));
  if (!logits_NV.is_contiguous()) {
    fail("token loss", "logits with strides", "a contiguous tensor");
  }
  if (at::GradMode::is_enabled() && logits_NV.requires_grad()) {
    const auto out =
        LogitsLoss::apply(logits_NV, targets_N, weights_N, denominator);
    return {out[0], out[1]};
  }
  auto log_probs_N = loss_rows(logits_NV, targets_N, weights_N, denominator,
                               /*write_gradient=*/false);
  return {total(log_probs_N, weights_N, denominator), log_probs_N};
}

TokenLoss head_token_loss(const Transformer& model, const at::Tensor& hidden_ND,
                          const at::Tensor& targets_N,
                          const at::Tensor& weights_N, double denominator,
                          std::int64_t chunk_rows,
                          const AdapterStrength& strength) {
  if (strength.per_row_B.defined()) {
    fail("token loss", "a strength per row", "one for all rows");
  }
  check_shapes(hidden_ND, targets_N, weights_N);
  check_not_empty(hidden_ND);
  check_targets(targets_N, model.config().vocab_size);
  if (at::GradMode::is_enabled() && hidden_ND.requires_grad()) {
    const auto out = HeadLoss::apply(
        hidden_ND, targets_N, weights_N, denominator,
        reinterpret_cast<std::int64_t>(&model), chunk_rows, strength.uniform);
    return {out[0], out[1]};
  }
  auto log_probs_N = log_probs_in_chunks(model, hidden_ND, targets_N, weights_N,
                                         chunk_rows, strength);
  return {total(log_probs_N, weights_N, denominator), log_probs_N};
}

}  // namespace veer
