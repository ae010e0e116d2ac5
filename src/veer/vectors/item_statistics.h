// SPDX-License-Identifier: MIT
//
// Statistics of mean vectors over items (questions). Rows are [N, D] fp64;
// everything is O(N D), or goes through the Gram matrix G = X X'.
//
// Cross-item U-statistics leave out products of an item with itself, so noise
// within items biases neither norm nor cosine, also when two vectors share
// items:  A = sum_{i != j} x_i.x_j,  B likewise,  C = sum_{i != j} x_i.y_j,
// cosine = C / sqrt(A B). Where questions of one topic or cluster stand
// together, the item is that unit: its row is the sum of its questions, and
// the mean of a product divides by n^2 - sum n_c^2 instead of n (n - 1).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/vectors/bootstrap_t.h"
#include "veer/vectors/measure.h"

namespace veer {

// Items of two vectors laid over each other: entry u is one item of the
// union, x[u] its row in X or -1, y[u] its row in Y or -1. An item is a
// question, or a unit of questions whose row is their sum (unit_rows.h).
struct ItemUnion {
  std::vector<std::int64_t> x;
  std::vector<std::int64_t> y;
  // Products of an item of X with the same item of Y that a sum over all pairs
  // would hold: the number of common items, of units sum of n_x n_y.
  std::int64_t num_common = 0;
  // Questions in each row of X and of Y; empty = one.
  std::vector<std::int64_t> x_counts;
  std::vector<std::int64_t> y_counts;
  std::int64_t num_questions = 0;  // of the union; 0 = one per item
};
ItemUnion unite_items(std::span<const std::string> x_ids,
                      std::span<const std::string> y_ids);
// Row i of X and of Y is item i.
ItemUnion same_items(std::int64_t n);

struct CrossItemCosine {
  Measure cosine;            // corrected for bias, with its interval
  double uncorrected = 0.0;  // C / sqrt(A B) itself
  // Half of the interval over Student's point; the error to report.
  double standard_error = 0.0;
  // What its error is like; null when not established.
  std::shared_ptr<const BootstrapT> error;
};

// Delete-one jackknife over the union for bias and variance. A long draw of C
// comes with long draws of A and B, so that the error at the estimate is too
// small where the estimate is too large; the interval holds every rho that the
// data do not reject instead (Fieller 1954), with the estimate as it is before
// bias is taken off. Where it rejects is told by a bootstrap of the studentised
// error (bootstrap_t.h), from the influences of the items and the residuals of
// the pair products (of at most `max_pair_items` items per side).
// pair_bias_share() of the pairs' part is taken off the bias. May exceed 1 in
// magnitude. Not established when a squared norm is not positive (also after
// leaving out one item), when the interval has no end, because the lengths are
// within noise of zero, or does not hold the value without its bias, or a side
// has fewer than 4 items. Over units everything is by unit, and the interval
// has as many degrees of freedom as there are units less one.
CrossItemCosine cross_item_cosine(const at::Tensor& x_ND,
                                  const at::Tensor& y_MD,
                                  const ItemUnion& items, double level = 0.95,
                                  std::int64_t max_pair_items = 256);

// Unbiased squared norm of the mean: A / (n (n-1)). n >= 2. Of sums over units
// with these many questions: A / (n^2 - sum n_c^2).
double unbiased_squared_norm(const at::Tensor& x_ND,
                             std::span<const std::int64_t> counts = {});

// Plain cosine of two vectors; none when one is (nearly) zero.
std::optional<double> plain_cosine(const at::Tensor& a_D,
                                   const at::Tensor& b_D);

// Spearman and Brown: reliability 2 r / (1 + r) of a vector of all n items
// whose halves have the cosine r; below -1/3 there is no number.
Measure reliability_of_whole(double half_cosine, std::int64_t n);

// A of the data and of each random sign flip.
struct FlippedA {
  double observed = 0.0;
  std::vector<double> draws;
};

// G = X X' of one vector's rows, and what follows from it alone.
class ItemGram {
 public:
  // Rows fp64. `counts`: questions in each row, for sums over units; empty =
  // one.
  explicit ItemGram(const at::Tensor& x_ND,
                    std::span<const std::int64_t> counts = {});
  std::int64_t n() const { return n_; }  // rows

  double squared_norm_of_mean() const;  // plain, biased upwards
  double unbiased_squared_norm() const;
  // Closed form: unbiased / plain squared norm of the mean; may be negative.
  double reliability() const;
  // 2 r / (1 + r) of the mean cosine r of random halves; low and high are the
  // 2.5 % and 97.5 % points over the splits (spread of splits, no confidence
  // interval). None for N < 4.
  Measure split_half(std::int64_t splits, std::uint64_t seed) const;
  // tr(S)^2 / tr(S^2) of the centred rows: how many dimensions they fill.
  std::optional<double> participation_ratio() const;
  // Mean over items of cos(x_i, mean of the others).
  std::optional<double> agreement() const;
  // A = sum_{i != j} x_i.x_j.
  double cross_sum() const;
  // The same after each sign flip of the items, for signs_BN of +-1; the same
  // signs for every layer of a vector, so that the maximum over layers is taken
  // draw by draw.
  FlippedA flipped(const at::Tensor& signs_BN) const;

 private:
  std::int64_t n_ = 0;
  std::int64_t num_questions_ = 0;
  std::int64_t num_own_ = 0;  // sum of squared counts
  bool has_counts_ = false;
  at::Tensor gram_NN_;
};

// "Does the vector exist?": sign flips of the items (symmetric noise around
// zero under the null). p = (1 + #{A* >= A}) / (draws + 1). adjusted: maximum
// over layers of the studentised statistic (Westfall and Young 1993).
struct ExistenceTest {
  std::vector<double> p;
  std::vector<double> adjusted_p;
};
ExistenceTest existence_test(std::span<const FlippedA> layers);

// How much wider the intervals of all layers, of the same items, have to be to
// hold together: BootstrapT::interval(level, that). The largest reach over
// layers in 95 % of the common draws, and Student's point of that tail in place
// of the normal one. Layers that are not established are left out; nullopt when
// none is left.
std::optional<double> simultaneous_widening(
    std::span<const CrossItemCosine> layers, double level = 0.95);

}  // namespace veer
