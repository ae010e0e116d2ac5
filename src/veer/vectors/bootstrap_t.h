// SPDX-License-Identifier: MIT
//
// What the studentised error of a cross-item cosine is like, when it is neither
// normal nor Student's: where few dimensions hold the noise, the products of
// pairs of items are skewed and heavy in the tails.
//
// For every value rho of the cosine, product - rho length is a U-statistic of
// order two: own effects l of M items and residuals R of their pairs, both
// linear in rho. A wild bootstrap flips the signs of the items (Liu 1988;
// Arcones and Gine 1992 and Dehling and Mikosch 1994 for statistics of pairs);
// with w_i = +-1 and g = l + R w
//
//   T* = l'w + w'Rw / 2,   V* = sum (w_i g_i)^2 - (sum w_i g_i)^2 / M
//   t* = T* sqrt((M - 1) / M) / sqrt(V*)
//
// V* is the variance that a jackknife would have found in that draw, centred as
// that is, so that t* spreads as Student's t where the pairs do nothing, and no
// more than it should where they do everything. l is drawn anew each time from
// what the data say about it (influence_posterior.h): the influences themselves
// already contain the noise of the pairs.
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

// The part of an interval in which a cosine can lie: no cosine is outside
// [-1, 1], so that nothing of the coverage is lost. An estimate without bias
// may itself lie a little beyond; it stays inside.
Bounds within_cosines(const Bounds& bounds, double estimate);

// Variance of product - rho length: v0 - 2 v1 rho + v2 rho^2. v0 is what the
// products C do, v2 what the lengths A and B in the denominator do, v1 what
// they do together.
struct ErrorCurve {
  double v0 = 0.0, v1 = 0.0, v2 = 0.0;

  double at(double rho) const { return v0 - 2.0 * rho * v1 + rho * rho * v2; }
};

// fp64. Influences [N] of the items: their squares sum to the jackknife's
// variance. Residuals [M, M] of pairs of M of the items, symmetric without a
// diagonal, rows summing to 0: half of their squares sums to the pair part of
// the variance.
struct ErrorParts {
  at::Tensor product_N, length_N;
  at::Tensor product_MM, length_MM;
  at::Tensor items_M;  // int64, which items
  at::Tensor scale_M;  // what the influence of each has to stand for more
};

class BootstrapT {
 public:
  // `product` and `length` of all items, whose difference product - rho length
  // is 0 on average where rho is the cosine. Draws depend on the number of rows
  // only: statistics of the same items are drawn together.
  BootstrapT(double product, double length, const ErrorParts& parts);

  const ErrorCurve& variance() const { return variance_; }
  // (product - rho length) / sqrt(variance at rho).
  double t(double rho) const;
  // Points of t, were rho true, with `tail` beyond either: those of t*.
  // low < 0 < high.
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

 private:
  // What one draw is made of, in the basis of influence_posterior.h [M].
  struct Draw {
    std::int64_t items;
    double rho;  // where the posterior was taken
    const double* signs;
    const double *keep, *spread, *effects;
    const double *product, *length;  // influences
    const double* eigenvalues;       // of the residuals at rho
    const double* length_pairs;      // residuals of the length times signs
  };
  void add_draw(const Draw& d);
  std::vector<double> draws(double rho) const;
  double upper_tail(double t, double drawn_point, double tail) const;
  std::optional<double> end(double sign, double tail, double wider) const;

  double product_ = 0.0;
  double length_ = 1.0;
  double degrees_ = 0.0;
  ErrorCurve variance_;
  // Of each draw: T* = first - rho second, V* an error curve.
  std::vector<double> first_, second_;
  std::vector<ErrorCurve> curves_;
};

}  // namespace veer
