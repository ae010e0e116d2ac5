// SPDX-License-Identifier: MIT
#include "veer/train/adamw.h"

#include <cmath>
#include <set>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::int64_t kChunk = 1 << 15;

// Numbers of one step that all elements share.
struct StepFactors {
  float beta1, beta2, eps;
  float new1, new2;   // 1 - beta, rounded once: in fp32 1 - 0.999 is 1e-5 off
  float keep;         // 1 - lr * weight decay
  float rate;         // lr / (1 - beta1^t)
  float root_factor;  // 1 / sqrt(1 - beta2^t)
  float clip;         // what the gradient is multiplied by
};

void update_chunk(float* p, const float* g, float* m, float* v, std::int64_t n,
                  const StepFactors& f) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float grad = g[i] * f.clip;
    m[i] = f.beta1 * m[i] + f.new1 * grad;
    v[i] = f.beta2 * v[i] + f.new2 * grad * grad;
    p[i] = p[i] * f.keep -
           f.rate * m[i] / (std::sqrt(v[i]) * f.root_factor + f.eps);
  }
}

void update_cpu(const at::Tensor& value, const at::Tensor& grad,
                const at::Tensor& mean, const at::Tensor& square,
                const StepFactors& f) {
  auto* p = value.mutable_data_ptr<float>();
  const auto* g = grad.const_data_ptr<float>();
  auto* m = mean.mutable_data_ptr<float>();
  auto* v = square.mutable_data_ptr<float>();
  at::parallel_for(0, value.numel(), kChunk,
                   [&](std::int64_t begin, std::int64_t end) {
                     update_chunk(p + begin, g + begin, m + begin, v + begin,
                                  end - begin, f);
                   });
}

// The same on another device.
void update_generic(const at::Tensor& value, const at::Tensor& raw_grad,
                    const at::Tensor& mean, const at::Tensor& square,
                    const StepFactors& f) {
  const auto grad = raw_grad * f.clip;
  mean.mul_(f.beta1).add_(grad, f.new1);
  square.mul_(f.beta2).addcmul_(grad, grad, f.new2);
  value.mul_(f.keep).addcdiv_(
      mean, square.sqrt().mul_(f.root_factor).add_(f.eps), -f.rate);
}

// Sum of squares in float64, chunk by chunk in a fixed order: the same bits
// for every number of threads.
double square_sum(const at::Tensor& grad) {
  const auto* g = grad.const_data_ptr<float>();
  const std::int64_t n = grad.numel();
  std::vector<double> sums((n + kChunk - 1) / kChunk, 0.0);
  at::parallel_for(0, static_cast<std::int64_t>(sums.size()), 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t c = begin; c < end; ++c) {
                       const std::int64_t last = std::min(n, (c + 1) * kChunk);
                       double sum = 0.0;
                       for (std::int64_t i = c * kChunk; i < last; ++i) {
                         sum += static_cast<double>(g[i]) * g[i];
                       }
                       sums[c] = sum;
                     }
                   });
  double total = 0.0;
  for (const double sum : sums) {
    total += sum;
  }
  return total;
}

void check_parameter(const AdamWParameter& parameter) {
  if (!parameter.value.defined() ||
      parameter.value.scalar_type() != at::kFloat ||
      !parameter.value.is_contiguous()) {
    fail("AdamW", fmt::format("parameter {}", parameter.name),
         "a contiguous fp32 tensor");
  }
}

const at::Tensor& stored(const std::map<std::string, at::Tensor>& state,
                         const std::string& name, at::IntArrayRef shape) {
  const auto found = state.find(name);
  if (found == state.end() || found->second.sizes() != shape) {
    fail("restore AdamW",
         fmt::format("state {} is {}", name,
                     found == state.end() ? "missing" : "misshaped"),
         "the state of the same parameters", "another run's checkpoint");
  }
  return found->second;
}

}  // namespace

AdamW::AdamW(std::vector<AdamWParameter> parameters, AdamWOptions options)
    : parameters_(std::move(parameters)), options_(options) {
  std::set<std::string> names;
  for (const auto& parameter : parameters_) {
    check_parameter(parameter);
    if (!names.insert(parameter.name).second) {
      fail("AdamW", fmt::format("two parameters named {}", parameter.name));
    }
    means_.push_back(at::zeros_like(parameter.value).detach());
    squares_.push_back(at::zeros_like(parameter.value).detach());
  }
}

double AdamW::gradient_norm() const {
  double total = 0.0;
  std::vector<at::Tensor> on_device;
  for (const auto& parameter : parameters_) {
    const auto& grad = parameter.value.grad();
    if (!grad.defined()) {
      continue;
    }
    if (grad.is_cpu()) {
      total += square_sum(grad.contiguous());
    } else {
      on_device.push_back(at::linalg_vector_norm(grad, 2.0));
    }
  }
  if (!on_device.empty()) {
    // The host waits once, not for each.
    total += at::stack(on_device).to(at::kDouble).square().sum().item<double>();
  }
  return std::sqrt(total);
}

double AdamW::step(double learning_rate) {
  const at::NoGradGuard no_grad;
  const double norm = gradient_norm();
  if (!std::isfinite(norm)) {
    fail_run("AdamW", "the gradient's norm is not finite", "finite numbers",
             "a learning rate too high or a damaged weight");
  }
  ++num_steps_;
  const auto t = static_cast<double>(num_steps_);
  StepFactors f = {.beta1 = static_cast<float>(options_.beta1),
                   .beta2 = static_cast<float>(options_.beta2),
                   .eps = static_cast<float>(options_.eps),
                   .new1 = static_cast<float>(1.0 - options_.beta1),
                   .new2 = static_cast<float>(1.0 - options_.beta2),
                   .keep = 1.0F,
                   .rate = static_cast<float>(
                       learning_rate / (1.0 - std::pow(options_.beta1, t))),
                   .root_factor = static_cast<float>(
                       1.0 / std::sqrt(1.0 - std::pow(options_.beta2, t))),
                   .clip = 1.0F};
  if (options_.clip_norm > 0.0 && norm > options_.clip_norm) {
    f.clip = static_cast<float>(options_.clip_norm / norm);
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, value, weight_decay] = parameters_[i];
    if (!value.grad().defined()) {
      continue;
    }
    f.keep = static_cast<float>(1.0 - learning_rate * weight_decay);
    auto* const update = value.is_cpu() ? &update_cpu : &update_generic;
    update(value, value.grad().contiguous(), means_[i], squares_[i], f);
  }
  return norm;
}

void AdamW::zero_grad() {
  for (const auto& parameter : parameters_) {
    at::Tensor grad = parameter.value.grad();
    if (grad.defined()) {
      grad.zero_();
    }
  }
}

std::map<std::string, at::Tensor> AdamW::state() const {
  std::map<std::string, at::Tensor> state;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    state["m." + parameters_[i].name] = means_[i];
    state["v." + parameters_[i].name] = squares_[i];
  }
  state["num_steps"] = at::tensor(num_steps_, at::kLong).reshape({});
  return state;
}

void AdamW::load_state(const std::map<std::string, at::Tensor>& state) {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto shape = parameters_[i].value.sizes();
    means_[i].copy_(stored(state, "m." + parameters_[i].name, shape));
    squares_[i].copy_(stored(state, "v." + parameters_[i].name, shape));
  }
  num_steps_ = stored(state, "num_steps", {}).item<std::int64_t>();
}

}  // namespace veer
