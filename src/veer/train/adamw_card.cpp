// SPDX-License-Identifier: MIT
//
// AdamW on a card: a handful of launches for all parameters together, and one
// wait. Whether the gradient is finite is found and obeyed there.
#include <map>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include "veer/train/adamw.h"

namespace veer {
namespace {

// The tensors of the parameters that share a weight decay.
struct Group {
  std::vector<at::Tensor> values;
  std::vector<at::Tensor> gradients;
  std::vector<at::Tensor> means;
  std::vector<at::Tensor> squares;
};

// Euclidean norm of all of them together, fp64.
at::Tensor norm_of(const std::vector<at::Tensor>& tensors) {
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(tensors, 2.0)), 2.0,
                                std::nullopt, /*keepdim=*/false, at::kDouble);
}

}  // namespace

AdamWNumbers AdamW::update_card(double learning_rate, const AdamWInput& input) {
  std::map<double, Group> groups;
  std::vector<at::Tensor> gradients;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, value, weight_decay] = parameters_[i];
    if (value.grad().defined()) {
      auto& group = groups[weight_decay];
      gradients.push_back(value.grad().contiguous());
      group.values.push_back(value.detach());
      group.gradients.push_back(gradients.back());
      group.means.push_back(means_[i]);
      group.squares.push_back(squares_[i]);
    }
  }
  if (gradients.empty()) {
    ++num_steps_;
    return {.loss = input.loss.defined() ? input.loss.item<double>() : 0.0};
  }
  const auto norm = norm_of(gradients) / input.gradient_scale;
  const auto numbers_2 = at::stack(
      {norm, input.loss.defined() ? input.loss.detach().to(at::kDouble)
                                  : at::zeros({}, norm.options())});
  // 0 x is 0 but for what is not finite.
  const auto found_inf = (numbers_2 * 0.0).sum().ne(0.0).to(at::kFloat);
  // What the kernel divides gradients by.
  const auto divisor =
      (options_.clip_norm > 0.0
           ? (norm / options_.clip_norm).clamp_min(1.0) * input.gradient_scale
           : at::full({}, input.gradient_scale, norm.options()))
          .to(at::kFloat);
  const auto step =
      at::full({}, static_cast<double>(num_steps_ + 1), divisor.options());
  for (auto& [weight_decay, group] : groups) {
    const std::vector<at::Tensor> steps(group.values.size(), step);
    at::_fused_adamw_(group.values, group.gradients, group.means, group.squares,
                      /*max_exp_avg_sqs=*/{}, steps, learning_rate,
                      options_.beta1, options_.beta2, weight_decay,
                      options_.eps, /*amsgrad=*/false, /*maximize=*/false,
                      divisor, found_inf);
  }
  const auto read_2 = numbers_2.to(at::kCPU);
  const AdamWNumbers found{.norm = read_2[0].item<double>(),
                           .loss = read_2[1].item<double>()};
  num_steps_ += found.is_finite() ? 1 : 0;
  return found;
}

}  // namespace veer
