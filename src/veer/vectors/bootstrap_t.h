// SPDX-License-Identifier: MIT
//
// What the studentised error of a cross-item cosine is like, when it is neither
// normal nor Student's: where few dimensions hold the noise, the products of
// pairs of items are skewed and heavy in the tails.
//
// The statistic is a U-statistic of order two, for every value rho of the
// cosine: influences l of the items and residuals R of the pairs, both
// linear in rho (product - rho length). A weighted bootstrap that is right in
// the degenerate case as well (Arcones and Gine 1992; Dehling and Mikosch
// 1994) has, with weights w ~ N(0, 1) of the items,
//
//   T* = l'w + w'Rw / 2,   V* = |l + R w|^2,   t* = T* / sqrt(V*)
//
// V* is what the jackknife would have estimated in that draw, so that it
// counts the part of the pairs twice there as it does in the data, and nothing
// has to be taken off (bootstrap-t, Efron 1981).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace veer {

struct Bounds {
  double low = 0.0;
  double high = 0.0;
};

// Variance of cosine - rho, were rho the true cosine: v0 - 2 v1 rho + v2 rho^2.
// v0 is what the products C do, v2 what the lengths A and B in the denominator
// do, v1 what they do together.
struct ErrorCurve {
  double v0 = 0.0, v1 = 0.0, v2 = 0.0;

  double at(double rho) const { return v0 - 2.0 * rho * v1 + rho * rho * v2; }
};

// fp64. Influences [N] of the items: their squares sum to the jackknife's
// variance. Residuals [M, M] of pairs of M of the items, symmetric without a
// diagonal: half of their squares sums to the pair part of the variance.
struct ErrorParts {
  at::Tensor product_N, length_N;
  at::Tensor product_MM, length_MM;
  at::Tensor items_M;  // int64, which items
  at::Tensor scale_M;  // what the influence of each has to stand for more
};

class BootstrapT {
 public:
  // Draws depend on the number of rows only: statistics of the same items are
  // drawn together.
  BootstrapT(double value, const ErrorParts& parts);

  const ErrorCurve& variance() const { return variance_; }
  // (value - rho) / sqrt(variance at rho).
  double t(double rho) const;
  // Points of t, were rho true, with `tail` beyond either: those of t*, as much
  // wider as Student's with N - 1 degrees are than normal ones, since w is
  // normal and few items are not. low < 0 < high.
  Bounds points(double rho, double tail) const;
  // Every rho whose t lies within its points, these taken `wider` times; none
  // when that has no end.
  std::optional<Bounds> interval(double level, double wider = 1.0) const;
  // Two-sided p of cosine = 0; agrees with the interval at `level`.
  double zero_p(double level = 0.95) const;
  // Larger p of the two one-sided tests of |cosine| < margin (Schuirmann 1987),
  // each with the point of its own side or that of |t*|, whichever is farther.
  double equivalence_p(double margin) const;
  // Of each draw, how many times farther than its point of `level` it lies
  // (negative never counts): the joint band takes the largest over layers.
  std::vector<double> reach(double level) const;
  double degrees() const { return degrees_; }

 private:
  std::vector<double> draws(double rho) const;
  double inflation(double tail) const;
  double upper_tail(double t, double drawn_point, double tail) const;
  std::optional<double> end(double sign, double tail, double times) const;

  double value_ = 0.0;
  double degrees_ = 0.0;
  ErrorCurve variance_;
  // Of each draw: T* = first - rho second, V* an error curve.
  std::vector<double> first_, second_;
  std::vector<ErrorCurve> curves_;
};

}  // namespace veer
