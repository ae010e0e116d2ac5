// SPDX-License-Identifier: MIT
//
// The cross-item cosine and its delete-one jackknife in O(N D): leaving item
// u out of the sums changes
//
//   A_u = A - 2 Sx.x_u + 2 |x_u|^2
//   C_u = C - Sy.x_u - Sx.y_u + 2 x_u.y_u
//
// (terms of a side that lacks the item are absent), Sx and Sy the sums. Of
// units the rows are sums over their questions, and only the numbers of pairs
// that the sums are divided by differ.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "veer/base/error.h"
#include "veer/vectors/distributions.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/pair_effects.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

// MeanProducts of one side's rows with the two sums.
struct Side {
  std::vector<double> own;     // S.x_u of its own sum
  std::vector<double> other;   // S.x_u of the other side's sum
  std::vector<double> square;  // |x_u|^2
  double A = 0.0;
};

Side make_side(const at::Tensor& rows_ND, const at::Tensor& own_sum_D,
               const at::Tensor& other_sum_D) {
  Side side;
  side.own = to_vector(rows_ND.mv(own_sum_D));
  side.other = to_vector(rows_ND.mv(other_sum_D));
  side.square = to_vector(rows_ND.square().sum(1));
  side.A = own_sum_D.dot(own_sum_D).item<double>();
  for (const double s : side.square) {
    side.A -= s;
  }
  return side;
}

// Everything that the estimate with or without one item needs.
struct Terms {
  double A = 0.0, B = 0.0, C = 0.0;
  std::int64_t nx = 0, ny = 0;  // questions
  // Pairs of two questions of one item: in X, in Y, and between them.
  std::int64_t own_x = 0, own_y = 0, common = 0;
};

// Questions in a row.
std::int64_t count_of(const std::vector<std::int64_t>& counts,
                      std::int64_t row) {
  return row < 0          ? 0
         : counts.empty() ? 1
                          : counts[static_cast<std::size_t>(row)];
}

double pairs(std::int64_t a, std::int64_t b, std::int64_t less) {
  return static_cast<double>(a * b - less);
}

// Unbiased squared lengths and product of the means.
struct MeanProducts {
  double a = 0.0, b = 0.0, c = 0.0;

  double cosine() const { return c / std::sqrt(a * b); }
};

// nullopt when a squared norm is not positive.
std::optional<MeanProducts> products_of(const Terms& t) {
  const double xx = pairs(t.nx, t.nx, t.own_x);
  const double yy = pairs(t.ny, t.ny, t.own_y);
  if (t.A <= 0.0 || t.B <= 0.0 || xx < 1.0 || yy < 1.0) {
    return std::nullopt;
  }
  return MeanProducts{t.A / xx, t.B / yy, t.C / pairs(t.nx, t.ny, t.common)};
}

Terms without(const Terms& all, const Side& x, const Side& y,
              const ItemUnion& items, std::size_t u, double product) {
  const auto i = items.x[u];
  const auto j = items.y[u];
  const auto of_x = count_of(items.x_counts, i);
  const auto of_y = count_of(items.y_counts, j);
  Terms t = all;
  t.nx -= of_x;
  t.ny -= of_y;
  t.own_x -= of_x * of_x;
  t.own_y -= of_y * of_y;
  t.common -= of_x * of_y;
  if (i >= 0) {
    t.A += 2.0 * (x.square[i] - x.own[i]);
    t.C -= x.other[i];
  }
  if (j >= 0) {
    t.B += 2.0 * (y.square[j] - y.own[j]);
    t.C -= y.other[j];
  }
  if (i >= 0 && j >= 0) {
    t.C += 2.0 * product;
  }
  return t;
}

// x_i . y_j of the items that both have, 0 elsewhere.
std::vector<double> common_products(const at::Tensor& x_ND,
                                    const at::Tensor& y_MD,
                                    const ItemUnion& items) {
  std::vector<double> products(items.x.size(), 0.0);
  std::vector<double> x_rows;
  std::vector<double> y_rows;
  std::vector<std::size_t> places;
  for (std::size_t u = 0; u < products.size(); ++u) {
    if (items.x[u] >= 0 && items.y[u] >= 0) {
      x_rows.push_back(static_cast<double>(items.x[u]));
      y_rows.push_back(static_cast<double>(items.y[u]));
      places.push_back(u);
    }
  }
  const auto picked = [](const at::Tensor& rows,
                         const std::vector<double>& at) {
    return rows.index_select(0, from_vector(at).to(at::kLong));
  };
  const auto values =
      to_vector((picked(x_ND, x_rows) * picked(y_MD, y_rows)).sum(1));
  for (std::size_t c = 0; c < places.size(); ++c) {
    products[places[c]] = values[c];
  }
  return products;
}

double mean_of(const std::vector<double>& values) {
  return std::reduce(values.begin(), values.end()) /
         static_cast<double>(values.size());
}

// The jackknife's influence of each item, from the values with it left out: the
// squares sum to the variance.
at::Tensor influences(const std::vector<double>& left_out) {
  const auto n = static_cast<double>(left_out.size());
  return (from_vector(left_out) - mean_of(left_out)) *
         -std::sqrt((n - 1.0) / n);
}

// Product and length, both relative to the lengths of all items, so that
// cosine - rho varies as product - rho length.
ErrorParts error_parts(const MeanProducts& all,
                       const std::vector<MeanProducts>& left_out,
                       const PairEffects& pairs) {
  std::vector<double> product;
  std::vector<double> length;
  for (const auto& p : left_out) {
    product.push_back(p.c / std::sqrt(all.a * all.b));
    length.push_back(0.5 * (p.a / all.a + p.b / all.b));
  }
  return {influences(product), influences(length), pairs.product_MM,
          pairs.length_MM,     pairs.items_M,      pairs.scale_M};
}

// What the mean of product - rho length is off by, per rho: the length in the
// denominator is sqrt(A B), that of the statistic (A / a + B / b) / 2, and with
// u = log(A / B) the mean of cosh(u / 2) is 1 + Var(u) / 8.
double length_bias(const MeanProducts& all,
                   const std::vector<MeanProducts>& left_out,
                   double pair_part) {
  std::vector<double> difference;
  for (const auto& p : left_out) {
    difference.push_back(p.a / all.a - p.b / all.b);
  }
  const auto influences_N = influences(difference);
  // The jackknife counts the pairs twice.
  return std::max(0.0,
                  influences_N.dot(influences_N).item<double>() - pair_part) /
         8.0;
}

// The estimate from all items and from all but one.
void finish(CrossItemCosine& out, const MeanProducts& all,
            const std::vector<MeanProducts>& left_out, const PairEffects& pairs,
            double level) {
  const auto n = static_cast<double>(left_out.size());
  const double theta = all.cosine();
  std::vector<double> cosines;
  for (const auto& p : left_out) {
    cosines.push_back(p.cosine());
  }
  out.uncorrected = theta;
  const double value =
      theta - ((n - 1.0) * (mean_of(cosines) - theta) -
               pair_bias_share(pairs.effective_rank) * pairs.bias);
  auto error = std::make_shared<const BootstrapT>(
      theta, 1.0 + length_bias(all, left_out, pairs.length_difference),
      error_parts(all, left_out, pairs));
  const auto bounds = error->interval(level);
  if (!bounds) {
    out.cosine.reason =
        "direction not established: its length is within noise of zero";
    return;
  }
  if (value < bounds->low || value > bounds->high) {
    out.cosine.reason =
        "direction not established: its bias is larger than its error";
    return;
  }
  const auto possible = within_cosines(*bounds, value);
  out.cosine.value = value;
  out.cosine.low = possible.low;
  out.cosine.high = possible.high;
  out.standard_error = (bounds->high - bounds->low) /
                       (2.0 * t_point(0.5 * (1.0 - level), n - 1.0));
  out.error = std::move(error);
}

}  // namespace

ItemUnion unite_items(std::span<const std::string> x_ids,
                      std::span<const std::string> y_ids) {
  std::unordered_map<std::string, std::int64_t> y_of;
  for (std::size_t j = 0; j < y_ids.size(); ++j) {
    if (!y_of.emplace(y_ids[j], static_cast<std::int64_t>(j)).second) {
      fail("match items", "item " + y_ids[j] + " occurs twice", "unique items");
    }
  }
  ItemUnion out;
  std::unordered_map<std::string, bool> seen;
  for (std::size_t i = 0; i < x_ids.size(); ++i) {
    if (!seen.emplace(x_ids[i], true).second) {
      fail("match items", "item " + x_ids[i] + " occurs twice", "unique items");
    }
    const auto found = y_of.find(x_ids[i]);
    out.x.push_back(static_cast<std::int64_t>(i));
    out.y.push_back(found == y_of.end() ? -1 : found->second);
    out.num_common += found == y_of.end() ? 0 : 1;
  }
  for (std::size_t j = 0; j < y_ids.size(); ++j) {
    if (!seen.contains(y_ids[j])) {
      out.x.push_back(-1);
      out.y.push_back(static_cast<std::int64_t>(j));
    }
  }
  return out;
}

ItemUnion same_items(std::int64_t n) {
  ItemUnion out;
  for (std::int64_t i = 0; i < n; ++i) {
    out.x.push_back(i);
    out.y.push_back(i);
  }
  out.num_common = n;
  return out;
}

CrossItemCosine cross_item_cosine(const at::Tensor& x_ND,
                                  const at::Tensor& y_MD,
                                  const ItemUnion& items, double level,
                                  std::int64_t max_pair_items) {
  CrossItemCosine out;
  out.cosine.n =
      items.num_questions > 0 ? items.num_questions : std::ssize(items.x);
  out.cosine.clusters = items.num_questions > 0 ? std::ssize(items.x) : 0;
  if (x_ND.size(0) < 4 || y_MD.size(0) < 4) {
    out.cosine.reason = "fewer than four items";
    return out;
  }
  const auto sum_x_D = x_ND.sum(0);
  const auto sum_y_D = y_MD.sum(0);
  const Side x = make_side(x_ND, sum_x_D, sum_y_D);
  const Side y = make_side(y_MD, sum_y_D, sum_x_D);
  const auto products = common_products(x_ND, y_MD, items);
  Terms all{.A = x.A,
            .B = y.A,
            .C = sum_x_D.dot(sum_y_D).item<double>(),
            .common = items.num_common};
  for (std::size_t u = 0; u < items.x.size(); ++u) {
    const auto of_x = count_of(items.x_counts, items.x[u]);
    const auto of_y = count_of(items.y_counts, items.y[u]);
    all.nx += of_x;
    all.ny += of_y;
    all.own_x += of_x * of_x;
    all.own_y += of_y * of_y;
  }
  for (const double p : products) {
    all.C -= p;
  }
  const auto whole = products_of(all);
  if (!whole) {
    out.cosine.reason = "direction not established: no more than noise";
    return out;
  }
  std::vector<MeanProducts> left_out;
  for (std::size_t u = 0; u < items.x.size(); ++u) {
    const auto some = products_of(without(all, x, y, items, u, products[u]));
    if (!some) {
      out.cosine.reason = "direction not established: hangs on one item";
      return out;
    }
    left_out.push_back(*some);
  }
  finish(out, *whole, left_out,
         pair_effects(x_ND, y_MD, items, whole->cosine(), whole->a, whole->b,
                      max_pair_items),
         level);
  return out;
}

}  // namespace veer
