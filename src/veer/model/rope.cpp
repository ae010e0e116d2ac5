// SPDX-License-Identifier: MIT
#include "veer/model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include "veer/model/host_indices.h"

namespace veer {
namespace {

std::int64_t rotated_width(const RopeConfig& config, std::int64_t head_width) {
  const auto rotated = static_cast<std::int64_t>(
      static_cast<double>(head_width) * config.partial_rotary_factor);
  return rotated / 2 * 2;
}

// base^(2p / dim), fp32.
at::Tensor periods(const RopeConfig& config, std::int64_t dim) {
  const auto exponents =
      at::arange(0, dim, 2, at::TensorOptions().dtype(at::kFloat)) / dim;
  return at::pow(config.theta, exponents);
}

at::Tensor llama3(const RopeConfig& config, const at::Tensor& inverse_P) {
  const auto length = static_cast<double>(config.original_max_positions);
  const double low = config.low_freq_factor;
  const double high = config.high_freq_factor;
  const auto wavelength_P = 2.0 * std::numbers::pi / inverse_P;
  const auto slow_P = inverse_P / config.factor;
  const auto smooth_P = (length / wavelength_P - low) / (high - low);
  const auto mixed_P = (1.0 - smooth_P) * slow_P + smooth_P * inverse_P;
  return at::where(wavelength_P > length / low, slow_P,
                   at::where(wavelength_P < length / high, inverse_P, mixed_P));
}

at::Tensor yarn(const RopeConfig& config, std::int64_t dim,
                const at::Tensor& inverse_P) {
  const auto d = static_cast<double>(dim);
  const auto correction = [&](double rotations) {
    return d *
           std::log(static_cast<double>(config.original_max_positions) /
                    (rotations * 2.0 * std::numbers::pi)) /
           (2.0 * std::log(config.theta));
  };
  double low = correction(config.beta_fast);
  double high = correction(config.beta_slow);
  if (config.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, d - 1.0);
  if (low == high) {
    high += 0.001;
  }
  const auto ramp_P = at::clamp(
      (at::arange(dim / 2, at::TensorOptions().dtype(at::kFloat)) - low) /
          (high - low),
      0.0, 1.0);
  return inverse_P / config.factor * ramp_P + inverse_P * (1.0 - ramp_P);
}

at::Tensor scaled_by(const std::vector<double>& factors,
                     const at::Tensor& periods_P) {
  return 1.0 / (at::tensor(factors, at::kFloat) * periods_P);
}

double default_factor(const RopeConfig& config) {
  if (config.type == "yarn") {
    return config.factor <= 1.0 ? 1.0 : 0.1 * std::log(config.factor) + 1.0;
  }
  if (config.type == "longrope" && config.factor > 1.0) {
    return std::sqrt(
        1.0 + std::log(config.factor) /
                  std::log(static_cast<double>(config.original_max_positions)));
  }
  return 1.0;
}

// Length of the row of each token, counted from the text's start, [T, 1].
at::Tensor lengths_T1(const PackedBatch& batch) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t b = 0; b < batch.num_rows(); ++b) {
    lengths.push_back(batch.starts[b] + batch.length(b));
  }
  return to_device(std::move(lengths), batch.rows_T.device())
      .index_select(0, batch.rows_T)
      .unsqueeze(1);
}

}  // namespace

Rope::Rope(const RopeConfig& config, std::int64_t head_width, at::Device device)
    : original_(config.original_max_positions) {
  const std::int64_t dim = rotated_width(config, head_width);
  const auto periods_P = periods(config, dim);
  const auto inverse_P = 1.0 / periods_P;
  if (config.type == "longrope") {
    frequencies_P_ = scaled_by(config.short_factor, periods_P);
    long_frequencies_P_ = scaled_by(config.long_factor, periods_P).to(device);
  } else if (config.type == "linear") {
    frequencies_P_ = inverse_P / config.factor;
  } else if (config.type == "llama3") {
    frequencies_P_ = llama3(config, inverse_P);
  } else if (config.type == "yarn") {
    frequencies_P_ = yarn(config, dim, inverse_P);
  } else {
    frequencies_P_ = inverse_P;
  }
  frequencies_P_ = frequencies_P_.to(device);
  factor_ = config.attention_factor > 0.0 ? config.attention_factor
                                          : default_factor(config);
}

RopeTable Rope::table(const PackedBatch& batch, std::int64_t max_tokens) const {
  const auto positions_T1 = batch.positions_T.to(at::kFloat).unsqueeze(1);
  auto angles_TP = positions_T1 * frequencies_P_;
  if (long_frequencies_P_.defined()) {
    const auto long_TP = positions_T1 * long_frequencies_P_;
    if (max_tokens > 0) {
      angles_TP = max_tokens > original_ ? long_TP : angles_TP;
    } else {
      angles_TP = at::where(lengths_T1(batch) > original_, long_TP, angles_TP);
    }
  }
  RopeTable table{.cos_TP = angles_TP.cos(), .sin_TP = angles_TP.sin()};
  if (factor_ != 1.0) {
    table.cos_TP.mul_(factor_);
    table.sin_TP.mul_(factor_);
  }
  return table;
}

}  // namespace veer
