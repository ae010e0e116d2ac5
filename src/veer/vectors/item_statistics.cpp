// SPDX-License-Identifier: MIT
#include "veer/vectors/item_statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <ATen/ops/zeros.h>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/vectors/distributions.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

// [splits, n]: 1 for the items of a random half, 0 for the others.
at::Tensor half_masks(std::int64_t splits, std::int64_t n, std::uint64_t seed) {
  Random random(seed, "split halves");
  auto masks_SN = at::zeros({splits, n}, at::kDouble);
  auto* data = masks_SN.mutable_data_ptr<double>();
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t s = 0; s < splits; ++s) {
    random.shuffle(order);
    for (std::int64_t i = 0; i < n / 2; ++i) {
      data[s * n + order[static_cast<std::size_t>(i)]] = 1.0;
    }
  }
  return masks_SN;
}

constexpr double kLeastHalfCosine = -1.0 / 3.0;  // stepped up: -1

double stepped_up(double half_cosine) {
  const double r = std::max(half_cosine, kLeastHalfCosine);
  return 2.0 * r / (1.0 + r);
}

double deviation(const std::vector<double>& values) {
  double squares = 0.0;
  for (const double v : values) {
    squares += v * v;
  }
  return std::sqrt(squares / static_cast<double>(values.size()));
}

}  // namespace

double unbiased_squared_norm(const at::Tensor& x_ND,
                             std::span<const std::int64_t> counts) {
  const auto n = static_cast<double>(x_ND.size(0));
  if (n < 2) {
    fail("unbiased norm", "fewer than two items", "at least two");
  }
  const auto sum_D = x_ND.sum(0);
  const double A =
      sum_D.dot(sum_D).item<double>() - x_ND.square().sum().item<double>();
  if (counts.empty()) {
    return A / (n * (n - 1.0));
  }
  double questions = 0.0;
  double own = 0.0;
  for (const auto count : counts) {
    const auto c = static_cast<double>(count);
    questions += c;
    own += c * c;
  }
  return A / (questions * questions - own);
}

Measure reliability_of_whole(double half_cosine, std::int64_t n) {
  if (!(half_cosine > kLeastHalfCosine)) {
    return Measure::none("the halves do not agree", n);
  }
  Measure measure;
  measure.n = n;
  measure.value = stepped_up(half_cosine);
  return measure;
}

std::optional<double> plain_cosine(const at::Tensor& a_D,
                                   const at::Tensor& b_D) {
  const auto a = as_double(a_D);
  const auto b = as_double(b_D);
  const double size = a.norm().item<double>() * b.norm().item<double>();
  if (!(size > 1e-300)) {
    return std::nullopt;
  }
  return a.dot(b).item<double>() / size;
}

ItemGram::ItemGram(const at::Tensor& x_ND, std::span<const std::int64_t> counts)
    : n_(x_ND.size(0)),
      num_questions_(x_ND.size(0)),
      num_own_(x_ND.size(0)),
      has_counts_(!counts.empty()),
      gram_NN_(x_ND.mm(x_ND.t())) {
  if (has_counts_) {
    num_questions_ = 0;
    num_own_ = 0;
    for (const auto count : counts) {
      num_questions_ += count;
      num_own_ += count * count;
    }
  }
}

double ItemGram::cross_sum() const {
  return (gram_NN_.sum() - gram_NN_.trace()).item<double>();
}

double ItemGram::squared_norm_of_mean() const {
  if (!has_counts_) {
    return gram_NN_.mean().item<double>();
  }
  const auto n = static_cast<double>(num_questions_);
  return gram_NN_.sum().item<double>() / (n * n);
}

double ItemGram::unbiased_squared_norm() const {
  const auto n = static_cast<double>(num_questions_);
  return cross_sum() / (n * n - static_cast<double>(num_own_));
}

double ItemGram::reliability() const {
  return unbiased_squared_norm() / squared_norm_of_mean();
}

Measure ItemGram::split_half(std::int64_t splits, std::uint64_t seed) const {
  if (n_ < 4) {
    return Measure::none("fewer than four items", num_questions_);
  }
  const auto in_SN = half_masks(splits, n_, seed);
  const auto out_SN = 1.0 - in_SN;
  const auto in_gram_SN = in_SN.mm(gram_NN_);
  const auto first = (in_gram_SN * in_SN).sum(1);
  const auto cross = (in_gram_SN * out_SN).sum(1);
  const auto second = (out_SN.mm(gram_NN_) * out_SN).sum(1);
  const auto r = to_vector(cross / (first * second).sqrt());
  const double mean =
      std::accumulate(r.begin(), r.end(), 0.0) / static_cast<double>(r.size());
  auto measure = reliability_of_whole(mean, num_questions_);
  if (measure.established()) {
    measure.low = stepped_up(quantile(r, 0.025));
    measure.high = stepped_up(quantile(r, 0.975));
  }
  return measure;
}

std::optional<double> ItemGram::participation_ratio() const {
  const auto rows_N = gram_NN_.mean(1, /*keepdim=*/true);
  const auto centred_NN = gram_NN_ - rows_N - rows_N.t() + gram_NN_.mean();
  const double trace = centred_NN.trace().item<double>();
  const double square = centred_NN.square().sum().item<double>();
  if (!(square > 1e-24 * std::pow(gram_NN_.trace().item<double>(), 2))) {
    return std::nullopt;
  }
  return trace * trace / square;
}

std::optional<double> ItemGram::agreement() const {
  const auto row_sums = to_vector(gram_NN_.sum(1));
  const auto squares = to_vector(gram_NN_.diagonal());
  const double total = gram_NN_.sum().item<double>();
  double sum = 0.0;
  for (std::size_t i = 0; i < squares.size(); ++i) {
    const double rest = total - 2.0 * row_sums[i] + squares[i];
    if (!(rest > 0.0) || !(squares[i] > 0.0)) {
      return std::nullopt;
    }
    sum += (row_sums[i] - squares[i]) / std::sqrt(squares[i] * rest);
  }
  return sum / static_cast<double>(squares.size());
}

FlippedA ItemGram::flipped(const at::Tensor& signs_BN) const {
  const auto forms = (signs_BN.mm(gram_NN_) * signs_BN).sum(1);
  return {cross_sum(), to_vector(forms - gram_NN_.trace())};
}

ExistenceTest existence_test(std::span<const FlippedA> layers) {
  ExistenceTest test;
  if (layers.empty()) {
    return test;
  }
  const std::size_t draws = layers[0].draws.size();
  std::vector<double> largest(draws, -INFINITY);
  std::vector<double> scaled;
  for (const auto& layer : layers) {
    const double sd = std::max(deviation(layer.draws), 1e-300);
    scaled.push_back(layer.observed / sd);
    std::size_t above = 0;
    for (std::size_t b = 0; b < draws; ++b) {
      // Equal up to rounding counts as equal: the identity flip is a draw.
      above += layer.draws[b] >= layer.observed - 1e-12 * sd ? 1 : 0;
      largest[b] = std::max(largest[b], layer.draws[b] / sd);
    }
    test.p.push_back(static_cast<double>(1 + above) /
                     static_cast<double>(draws + 1));
  }
  for (const double t : scaled) {
    const auto above = std::count_if(largest.begin(), largest.end(),
                                     [&](double m) { return m >= t - 1e-12; });
    test.adjusted_p.push_back(static_cast<double>(1 + above) /
                              static_cast<double>(draws + 1));
  }
  return test;
}

std::optional<double> simultaneous_widening(
    std::span<const CrossItemCosine> layers, double level) {
  std::vector<double> largest;
  for (const auto& layer : layers) {
    if (!layer.error) {
      continue;
    }
    const auto reach = layer.error->reach(level);
    largest.resize(reach.size(), 0.0);
    for (std::size_t b = 0; b < reach.size(); ++b) {
      largest[b] = std::max(largest[b], reach[b]);
    }
  }
  if (largest.empty()) {
    return std::nullopt;
  }
  return critical_quantile(largest, level);
}

}  // namespace veer
