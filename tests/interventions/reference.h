// SPDX-License-Identifier: MIT
//
// Every operator written as its textbook formula, one state at a time, in
// fp64 and without any of the library's machinery: what the kernels are held
// against.
#pragma once

#include <cmath>
#include <numbers>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>

#include "veer/interventions/intervention.h"

namespace veer::testing {

struct ReferenceInput {
  at::Tensor v, mu_minus, mu_plus, g, mean, second, condition;  // fp64 [D]
  at::Tensor basis, low_read, low_target, low_bias;
};

inline ReferenceInput reference_input(const SteeringInput& x,
                                      std::int64_t layer) {
  const auto at_layer = [&](const at::Tensor& t) {
    return t[layer].to(at::kDouble);
  };
  return {at_layer(x.directions_LD),     at_layer(x.negative_mean_LD),
          at_layer(x.positive_mean_LD),  at_layer(x.read_LD),
          at_layer(x.mean_LD),           at_layer(x.second_LD),
          at_layer(x.condition_LD),      at_layer(x.basis_LKD),
          at_layer(x.low_rank_read_LKD), at_layer(x.low_rank_target_LKD),
          at_layer(x.low_rank_bias_LK)};
}

inline double number(const at::Tensor& scalar) {
  return scalar.item<double>();
}

// h after the operator, in unit raw; q = 1, tau = `tau`.
inline at::Tensor reference(const std::string& name, const at::Tensor& h,
                            double s, const ReferenceInput& x, double tau,
                            const at::Tensor& donor) {
  const auto u = x.v / x.v.norm();
  const double c = number(u.dot(h));
  const double length = s * number(x.v.norm());
  const double n = number(h.norm());
  const auto with_coordinate = [&](double target) {
    return h + (target - c) * u;
  };
  if (name == "add") {
    return h + s * x.v;
  }
  if (name == "subtract") {
    return h - s * x.v;
  }
  if (name == "add_keep_norm") {
    return (h + s * x.v) * n / (h + s * x.v).norm();
  }
  if (name == "piecewise") {
    return h + (c > 0 ? 1.0 : -1.0) * s * x.v;
  }
  if (name == "ablate") {
    return h - s * c * u;
  }
  if (name == "set") {
    return with_coordinate(length);
  }
  if (name == "cap") {
    return c > length ? with_coordinate(length) : h;
  }
  if (name == "floor") {
    return c < length ? with_coordinate(length) : h;
  }
  if (name == "set_honest") {
    return h + s * (number(u.dot(x.mu_minus)) - c) * u;
  }
  if (name == "set_deceptive") {
    return h + s * (number(u.dot(x.mu_plus)) - c) * u;
  }
  if (name == "ablate_add") {
    return h - c * u + s * x.v;
  }
  if (name == "affine") {
    return h - u.dot(h - x.mu_minus) * u + s * x.v;
  }
  if (name == "leace") {
    return h - s * x.v * x.g.dot(h - x.mean) / x.v.dot(x.g);
  }
  if (name == "ablate_subspace") {
    return h - s * x.basis.t().mv(x.basis.mv(h));
  }
  if (name == "rotate" || name == "rotate_adaptive") {
    if (name == "rotate_adaptive" && c <= 0) {
      return h;
    }
    auto b2 = x.second - u.dot(x.second) * u;
    b2 = b2 / b2.norm();
    const double d = number(b2.dot(h));
    const double radius = std::hypot(c, d);
    const double angle = s * std::numbers::pi / 180.0;
    return h - c * u - d * b2 +
           radius * (std::cos(angle) * u + std::sin(angle) * b2);
  }
  if (name == "slerp") {
    const double w = std::acos(c / n);
    return n * (std::sin((1 - s) * w) * h / n + std::sin(s * w) * u) /
           std::sin(w);
  }
  if (name == "gated_add") {
    const auto p =
        (x.condition * x.condition.dot(h) / x.condition.dot(x.condition))
            .tanh();
    return number(p.dot(h)) / (number(p.norm()) * n) > tau ? h + s * x.v : h;
  }
  const double lift = tau * number(x.v.norm()) - c;
  if (name == "soft_tanh") {
    return h + length * std::tanh(lift) * u;
  }
  if (name == "soft_sigmoid") {
    return h + length / (1 + std::exp(-lift)) * u;
  }
  if (name == "soft_relu") {
    return h + length * std::max(0.0, lift) * u;
  }
  if (name == "low_rank") {
    return h + s * x.low_read.t().mv(x.low_target.mv(h) + x.low_bias -
                                     x.low_read.mv(h));
  }
  if (name == "scale") {
    return h + s * c * u;
  }
  if (name == "patch") {
    return h + s * (donor - h);
  }
  if (name == "patch_direction") {
    return h + s * u * u.dot(donor - h);
  }
  if (name == "patch_subspace") {
    return h + s * x.basis.t().mv(x.basis.mv(donor - h));
  }
  return at::Tensor();
}

}  // namespace veer::testing
