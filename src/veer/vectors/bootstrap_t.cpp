// SPDX-License-Identifier: MIT
#include "veer/vectors/bootstrap_t.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "veer/vectors/distributions.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

constexpr std::int64_t kDraws = 999;
constexpr std::uint64_t kSeed = 1;
constexpr double kNearest = 1e-3;  // a point is never nearer to 0
constexpr double kFarthest = 1e3;  // an end is never farther
constexpr double kLeast = 1e-300;

// The point of drawn t* with `tail` below, or above; on its own side of 0.
double low_of(const std::vector<double>& drawn, double tail) {
  return std::min(critical_quantile(drawn, tail), -kNearest);
}
double high_of(const std::vector<double>& drawn, double tail) {
  return std::max(critical_quantile(drawn, 1.0 - tail), kNearest);
}

// The weights of M items, drawn when first asked for: every cosine of as many
// items has the same.
at::Tensor weights(std::int64_t items) {
  static std::mutex mutex;
  static std::map<std::int64_t, at::Tensor> drawn;
  const std::lock_guard lock(mutex);
  auto& w_BM = drawn[items];
  if (!w_BM.defined()) {
    w_BM = normal_matrix(kDraws, items, kSeed);
  }
  return w_BM;
}

double over(double difference, double variance) {
  return difference / std::sqrt(std::max(variance, kLeast));
}

}  // namespace

BootstrapT::BootstrapT(double value, const ErrorParts& parts)
    : value_(value),
      degrees_(static_cast<double>(parts.product_N.size(0)) - 1.0) {
  const auto& c_N = parts.product_N;
  const auto& l_N = parts.length_N;
  variance_ = {c_N.dot(c_N).item<double>(), c_N.dot(l_N).item<double>(),
               l_N.dot(l_N).item<double>()};
  const auto c_M = c_N.index_select(0, parts.items_M) * parts.scale_M;
  const auto l_M = l_N.index_select(0, parts.items_M) * parts.scale_M;
  const auto w_BM = weights(c_M.size(0));
  auto c_BM = w_BM.mm(parts.product_MM);
  auto l_BM = w_BM.mm(parts.length_MM);
  first_ = to_vector(w_BM.mv(c_M) + 0.5 * (w_BM * c_BM).sum(1));
  second_ = to_vector(w_BM.mv(l_M) + 0.5 * (w_BM * l_BM).sum(1));
  c_BM += c_M;
  l_BM += l_M;
  const auto v0 = to_vector(c_BM.square().sum(1));
  const auto v1 = to_vector((c_BM * l_BM).sum(1));
  const auto v2 = to_vector(l_BM.square().sum(1));
  for (std::size_t b = 0; b < v0.size(); ++b) {
    curves_.push_back({v0[b], v1[b], v2[b]});
  }
}

double BootstrapT::t(double rho) const {
  return over(value_ - rho, variance_.at(rho));
}

std::vector<double> BootstrapT::draws(double rho) const {
  std::vector<double> drawn(first_.size());
  for (std::size_t b = 0; b < drawn.size(); ++b) {
    drawn[b] = over(first_[b] - rho * second_[b], curves_[b].at(rho));
  }
  return drawn;
}

double BootstrapT::inflation(double tail) const {
  return t_point(tail, degrees_) / -normal_quantile(tail);
}

Bounds BootstrapT::points(double rho, double tail) const {
  const auto drawn = draws(rho);
  const double s = inflation(tail);
  return {s * low_of(drawn, tail), s * high_of(drawn, tail)};
}

// The first rho from the value on, in the direction of `sign`, that is
// rejected: bracketed, then by false position (Illinois). `times`: what the
// points of the draws are multiplied by.
std::optional<double> BootstrapT::end(double sign, double tail,
                                      double times) const {
  // How far beyond its point t is, above 0 = rejected. Above the value t is
  // negative, so that the low point decides.
  const auto beyond = [&](double rho) {
    return sign > 0.0 ? times * low_of(draws(rho), tail) - t(rho)
                      : t(rho) - times * high_of(draws(rho), tail);
  };
  const double error = std::sqrt(std::max(variance_.at(value_), 1e-30));
  double step = 2.0 * error;
  double kept = value_;
  double rejected = value_ + sign * step;
  double at_kept = beyond(kept);
  double at_rejected = beyond(rejected);
  while (!(at_rejected > 0.0)) {
    kept = rejected;
    at_kept = at_rejected;
    step *= 1.5;
    rejected += sign * step;
    if (std::abs(rejected) > kFarthest) {
      return std::nullopt;
    }
    at_rejected = beyond(rejected);
  }
  int side = 0;
  for (int i = 0; i < 60 && std::abs(rejected - kept) > 1e-9 * error; ++i) {
    const double next =
        (kept * at_rejected - rejected * at_kept) / (at_rejected - at_kept);
    const double at_next = beyond(next);
    if (at_next > 0.0) {
      rejected = next;
      at_rejected = at_next;
      at_kept *= side == 1 ? 0.5 : 1.0;
      side = 1;
    } else {
      kept = next;
      at_kept = at_next;
      at_rejected *= side == -1 ? 0.5 : 1.0;
      side = -1;
      if (at_next == 0.0) {
        return next;
      }
    }
  }
  return 0.5 * (kept + rejected);
}

std::optional<Bounds> BootstrapT::interval(double level, double wider) const {
  const double tail = 0.5 * (1.0 - level);
  const double times = wider * inflation(tail);
  const auto low = end(-1.0, tail, times);
  const auto high = end(1.0, tail, times);
  if (!low || !high) {
    return std::nullopt;
  }
  return Bounds{*low, *high};
}

// Student's tail of t, scaled so that drawn_point, inflated, has `tail` beyond
// it.
double BootstrapT::upper_tail(double t, double drawn_point, double tail) const {
  return t_upper_tail(t / drawn_point * -normal_quantile(tail), degrees_);
}

double BootstrapT::zero_p(double level) const {
  const double tail = 0.5 * (1.0 - level);
  const double at = t(0.0);
  const auto drawn = draws(0.0);
  return 2.0 * (at > 0.0 ? upper_tail(at, high_of(drawn, tail), tail)
                         : upper_tail(-at, -low_of(drawn, tail), tail));
}

double BootstrapT::equivalence_p(double margin) const {
  constexpr double kTail = 0.05;
  double largest = 0.0;
  for (const double rho : {-margin, margin}) {
    auto drawn = draws(rho);
    // Away from the margin, into the range between the two.
    const double at = rho < 0.0 ? t(rho) : -t(rho);
    const double own =
        rho < 0.0 ? high_of(drawn, kTail) : -low_of(drawn, kTail);
    for (double& t_star : drawn) {
      t_star = std::abs(t_star);
    }
    const double both = critical_quantile(drawn, 1.0 - 2.0 * kTail);
    largest = std::max(largest, upper_tail(at, std::max(own, both), kTail));
  }
  return largest;
}

std::vector<double> BootstrapT::reach(double level) const {
  const double tail = 0.5 * (1.0 - level);
  auto drawn = draws(value_);
  const double low = low_of(drawn, tail);
  const double high = high_of(drawn, tail);
  for (double& t_star : drawn) {
    t_star = std::max(t_star / low, t_star / high);
  }
  return drawn;
}

}  // namespace veer
