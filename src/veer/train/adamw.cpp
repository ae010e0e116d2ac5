// SPDX-License-Identifier: MIT
#include "veer/train/adamw.h"

#include <cmath>
#include <set>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
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

void check_parameter(const AdamWParameter& parameter, const at::Tensor& first) {
  if (!parameter.value.defined() ||
      parameter.value.scalar_type() != at::kFloat ||
      !parameter.value.is_contiguous() ||
      parameter.value.device() != first.device()) {
    fail("AdamW", fmt::format("parameter {}", parameter.name),
         "a contiguous fp32 tensor on the device of the others");
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
    check_parameter(parameter, parameters_.front().value);
    if (!names.insert(parameter.name).second) {
      fail("AdamW", fmt::format("two parameters named {}", parameter.name));
    }
    means_.push_back(at::zeros_like(parameter.value).detach());
    squares_.push_back(at::zeros_like(parameter.value).detach());
  }
}

bool AdamWNumbers::is_finite() const {
  return std::isfinite(norm) && std::isfinite(loss);
}

double AdamW::gradient_norm() const {
  double total = 0.0;
  for (const auto& parameter : parameters_) {
    const auto& grad = parameter.value.grad();
    if (grad.defined()) {
      total += square_sum(grad.contiguous());
    }
  }
  return std::sqrt(total);
}

// Gradients are multiplied by `shrink` on their way.
void AdamW::update_host(double learning_rate, double shrink) {
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
                   .clip = static_cast<float>(shrink)};
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& [name, value, weight_decay] = parameters_[i];
    if (!value.grad().defined()) {
      continue;
    }
    f.keep = static_cast<float>(1.0 - learning_rate * weight_decay);
    update_cpu(value, value.grad().contiguous(), means_[i], squares_[i], f);
  }
}

AdamWNumbers AdamW::try_step(double learning_rate, const AdamWInput& input) {
  const at::NoGradGuard no_grad;
  if (!parameters_.empty() && !parameters_.front().value.is_cpu()) {
    return update_card(learning_rate, input);
  }
  const AdamWNumbers found{
      .norm = gradient_norm() / input.gradient_scale,
      .loss = input.loss.defined() ? input.loss.item<double>() : 0.0};
  if (found.is_finite()) {
    ++num_steps_;
    const bool clips =
        options_.clip_norm > 0.0 && found.norm > options_.clip_norm;
    update_host(learning_rate, (clips ? options_.clip_norm / found.norm : 1.0) /
                                   input.gradient_scale);
  }
  return found;
}

double AdamW::step(double learning_rate) {
  const auto found = try_step(learning_rate);
  if (!found.is_finite()) {
    fail_run("AdamW", "the gradient's norm is not finite", "finite numbers",
             "a learning rate too high or a damaged weight");
  }
  return found.norm;
}

void AdamW::zero_grad() {
  for (const auto& parameter : parameters_) {
    at::Tensor grad = parameter.value.grad();
    if (grad.defined() && grad.is_cpu()) {
      grad.zero_();
    } else {
      parameter.value.mutable_grad().reset();
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
