// SPDX-License-Identifier: MIT
#include "veer/vectors/bootstrap_t.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "veer/vectors/distributions.h"
#include "veer/vectors/influence_posterior.h"
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

// What is drawn for M items: signs, and how far the effect of each lies from
// its mean. Every cosine of as many items has the same.
struct ItemDraws {
  at::Tensor signs_BM;
  at::Tensor effects_BM;
};

const ItemDraws& item_draws(std::int64_t items) {
  static std::mutex mutex;
  static std::map<std::int64_t, ItemDraws> drawn;
  const std::lock_guard lock(mutex);
  auto& draws = drawn[items];
  if (!draws.signs_BM.defined()) {
    draws = {sign_matrix(kDraws, items, kSeed),
             normal_matrix(kDraws, items, kSeed)};
  }
  return draws;
}

double over(double difference, double variance) {
  return difference / std::sqrt(std::max(variance, kLeast));
}

}  // namespace

BootstrapT::BootstrapT(double product, double length, const ErrorParts& parts)
    : product_(product),
      length_(length),
      degrees_(static_cast<double>(parts.product_N.size(0)) - 1.0) {
  const auto& p_N = parts.product_N;
  const auto& l_N = parts.length_N;
  variance_ = {p_N.dot(p_N).item<double>(), p_N.dot(l_N).item<double>(),
               l_N.dot(l_N).item<double>()};
  const auto p_M = p_N.index_select(0, parts.items_M) * parts.scale_M;
  const auto l_M = l_N.index_select(0, parts.items_M) * parts.scale_M;
  // The shrinkage is that of the error at the estimate, and the same at every
  // rho.
  const double rho = product / length;
  const auto posterior = influence_posterior(
      p_M - rho * l_M, parts.product_MM - rho * parts.length_MM, kDraws);
  // Everything in the basis of the pairs' noise, where R at the estimate is
  // diagonal, so that the product's pairs follow from the length's.
  const auto& q_MM = posterior.basis_MM;
  const auto& drawn = item_draws(p_M.size(0));
  const auto w_BM = drawn.signs_BM.mm(q_MM);
  const auto l_pairs_BM = w_BM.mm(q_MM.t().mm(parts.length_MM).mm(q_MM));
  const auto p_own_M = q_MM.t().mv(p_M);
  const auto l_own_M = q_MM.t().mv(l_M);
  const double* p_own = p_own_M.const_data_ptr<double>();
  const double* l_own = l_own_M.const_data_ptr<double>();
  const double* eigenvalues = posterior.eigenvalues_M.const_data_ptr<double>();
  const auto items = p_M.size(0);
  for (std::int64_t b = 0; b < kDraws; ++b) {
    const auto row = [b, items](const at::Tensor& x_BM) {
      return x_BM.const_data_ptr<double>() + b * items;
    };
    const auto entry = posterior.entries[static_cast<std::size_t>(b)] * items;
    add_draw({.items = items,
              .rho = rho,
              .signs = row(w_BM),
              .keep = posterior.keep_GM.const_data_ptr<double>() + entry,
              .spread = posterior.spread_GM.const_data_ptr<double>() + entry,
              .effects = row(drawn.effects_BM),
              .product = p_own,
              .length = l_own,
              .eigenvalues = eigenvalues,
              .length_pairs = row(l_pairs_BM)});
  }
}

void BootstrapT::add_draw(const Draw& d) {
  double first = 0.0, second = 0.0, p_sum = 0.0, l_sum = 0.0;
  ErrorCurve squares;
  for (std::int64_t k = 0; k < d.items; ++k) {
    const double w = d.signs[k];
    const double p = d.keep[k] * d.product[k] + d.spread[k] * d.effects[k];
    const double l = d.keep[k] * d.length[k];
    const double l_pairs = d.length_pairs[k];
    const double p_pairs = d.eigenvalues[k] * w + d.rho * l_pairs;
    first += w * (p + 0.5 * p_pairs);
    second += w * (l + 0.5 * l_pairs);
    const double p_all = p + p_pairs;
    const double l_all = l + l_pairs;
    p_sum += w * p_all;
    l_sum += w * l_all;
    squares.v0 += p_all * p_all;
    squares.v1 += p_all * l_all;
    squares.v2 += l_all * l_all;
  }
  const auto size = static_cast<double>(d.items);
  const double sample = std::sqrt((size - 1.0) / size);
  first_.push_back(first * sample);
  second_.push_back(second * sample);
  curves_.push_back({squares.v0 - p_sum * p_sum / size,
                     squares.v1 - p_sum * l_sum / size,
                     squares.v2 - l_sum * l_sum / size});
}

double BootstrapT::t(double rho) const {
  return over(product_ - rho * length_, variance_.at(rho));
}

std::vector<double> BootstrapT::draws(double rho) const {
  std::vector<double> drawn(first_.size());
  for (std::size_t b = 0; b < drawn.size(); ++b) {
    drawn[b] = over(first_[b] - rho * second_[b], curves_[b].at(rho));
  }
  return drawn;
}

Bounds BootstrapT::points(double rho, double tail) const {
  const auto drawn = draws(rho);
  return {low_of(drawn, tail), high_of(drawn, tail)};
}

// The first rho from the estimate on, in the direction of `sign`, that is
// rejected: bracketed, then by false position (Illinois).
std::optional<double> BootstrapT::end(double sign, double tail,
                                      double wider) const {
  // How far beyond its point t is, above 0 = rejected. Above the estimate t is
  // negative, so that the low point decides.
  const auto beyond = [&](double rho) {
    return sign > 0.0 ? wider * low_of(draws(rho), tail) - t(rho)
                      : t(rho) - wider * high_of(draws(rho), tail);
  };
  const double estimate = product_ / length_;
  const double error = std::sqrt(std::max(variance_.at(estimate), 1e-30));
  double step = 2.0 * error;
  double kept = estimate;
  double rejected = estimate + sign * step;
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

Bounds within_cosines(const Bounds& bounds, double estimate) {
  return {std::min(estimate, std::clamp(bounds.low, -1.0, 1.0)),
          std::max(estimate, std::clamp(bounds.high, -1.0, 1.0))};
}

std::optional<Bounds> BootstrapT::interval(double level, double wider) const {
  const double tail = 0.5 * (1.0 - level);
  const auto low = end(-1.0, tail, wider);
  const auto high = end(1.0, tail, wider);
  if (!low || !high) {
    return std::nullopt;
  }
  return Bounds{*low, *high};
}

// Student's tail of t, scaled so that drawn_point has `tail` beyond it.
double BootstrapT::upper_tail(double t, double drawn_point, double tail) const {
  return t_upper_tail(t / drawn_point * t_point(tail, degrees_), degrees_);
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
  auto drawn = draws(product_ / length_);
  const double low = low_of(drawn, tail);
  const double high = high_of(drawn, tail);
  for (double& t_star : drawn) {
    t_star = std::max(t_star / low, t_star / high);
  }
  return drawn;
}

}  // namespace veer
