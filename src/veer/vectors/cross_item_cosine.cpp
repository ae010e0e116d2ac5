// SPDX-License-Identifier: MIT
//
// The cross-item cosine and its delete-one jackknife in O(N D): leaving item
// u out of the sums changes
//
//   A_u = A - 2 Sx.x_u + 2 |x_u|^2
//   C_u = C - Sy.x_u - Sx.y_u + 2 x_u.y_u
//
// (terms of a side that lacks the item are absent), Sx and Sy the sums.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "veer/base/error.h"
#include "veer/vectors/distributions.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/pair_effects.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

// Products of one side's rows with the two sums.
struct Side {
  std::int64_t n = 0;
  std::vector<double> own;     // S.x_u of its own sum
  std::vector<double> other;   // S.x_u of the other side's sum
  std::vector<double> square;  // |x_u|^2
  double A = 0.0;
};

Side make_side(const at::Tensor& rows_ND, const at::Tensor& own_sum_D,
               const at::Tensor& other_sum_D) {
  Side side;
  side.n = rows_ND.size(0);
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
  std::int64_t nx = 0, ny = 0, common = 0;
};

double pairs(std::int64_t a, std::int64_t b, std::int64_t less) {
  return static_cast<double>(a * b - less);
}

// nullopt when a squared norm is not positive.
std::optional<double> cosine_of(const Terms& t) {
  if (t.A <= 0.0 || t.B <= 0.0 || t.nx < 2 || t.ny < 2) {
    return std::nullopt;
  }
  const double a = t.A / pairs(t.nx, t.nx, t.nx);
  const double b = t.B / pairs(t.ny, t.ny, t.ny);
  const double c = t.C / pairs(t.nx, t.ny, t.common);
  return c / std::sqrt(a * b);
}

Terms without(const Terms& all, const Side& x, const Side& y, std::int64_t i,
              std::int64_t j, double product) {
  Terms t = all;
  if (i >= 0) {
    t.A += 2.0 * (x.square[i] - x.own[i]);
    t.C -= x.other[i];
    --t.nx;
  }
  if (j >= 0) {
    t.B += 2.0 * (y.square[j] - y.own[j]);
    t.C -= y.other[j];
    --t.ny;
  }
  if (i >= 0 && j >= 0) {
    t.C += 2.0 * product;
    --t.common;
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

// The estimate from all items and from all but one.
void finish(CrossItemCosine& out, double theta,
            const std::vector<double>& left_out, const PairEffects& pairs,
            double level) {
  const auto n = static_cast<double>(left_out.size());
  double mean = 0.0;
  for (const double t : left_out) {
    mean += t / n;
  }
  double squares = 0.0;
  for (const double t : left_out) {
    squares += (t - mean) * (t - mean);
    out.pseudo_values.push_back(n * theta - (n - 1.0) * t);
  }
  const double variance = (n - 1.0) / n * squares;
  out.jackknife_error = std::sqrt(variance);
  // Whole variance = single + pair part; the jackknife gives single + 2 pair,
  // so at least half of it is real.
  out.standard_error = std::sqrt(
      std::max(variance - pair_share(pairs.effective_rank) * pairs.variance,
               variance / 2.0));
  out.degrees = n - 1.0;
  out.uncorrected = theta;
  const double value = theta - ((n - 1.0) * (mean - theta) - pairs.bias);
  const double half =
      t_point((1.0 - level) / 2.0, out.degrees) * out.standard_error;
  out.cosine.value = value;
  out.cosine.low = value - half;
  out.cosine.high = value + half;
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
  out.cosine.n = static_cast<std::int64_t>(items.x.size());
  if (x_ND.size(0) < 4 || y_MD.size(0) < 4) {
    out.cosine.reason = "fewer than four items";
    return out;
  }
  const auto sum_x_D = x_ND.sum(0);
  const auto sum_y_D = y_MD.sum(0);
  const Side x = make_side(x_ND, sum_x_D, sum_y_D);
  const Side y = make_side(y_MD, sum_y_D, sum_x_D);
  const auto products = common_products(x_ND, y_MD, items);
  Terms all{x.A, y.A, sum_x_D.dot(sum_y_D).item<double>(),
            x.n, y.n, items.num_common};
  for (const double p : products) {
    all.C -= p;
  }
  const auto theta = cosine_of(all);
  if (!theta) {
    out.cosine.reason = "direction not established: no more than noise";
    return out;
  }
  std::vector<double> left_out;
  for (std::size_t u = 0; u < items.x.size(); ++u) {
    const auto value =
        cosine_of(without(all, x, y, items.x[u], items.y[u], products[u]));
    if (!value) {
      out.cosine.reason = "direction not established: hangs on one item";
      return out;
    }
    left_out.push_back(*value);
  }
  const double a = all.A / pairs(all.nx, all.nx, all.nx);
  const double b = all.B / pairs(all.ny, all.ny, all.ny);
  finish(out, *theta, left_out,
         pair_effects(x_ND, y_MD, items, *theta, a, b, max_pair_items), level);
  return out;
}

std::optional<double> zero_p(const CrossItemCosine& cosine) {
  if (!cosine.cosine.value || cosine.standard_error <= 0.0) {
    return std::nullopt;
  }
  return 2.0 *
         t_upper_tail(std::abs(*cosine.cosine.value) / cosine.standard_error,
                      cosine.degrees);
}

std::optional<double> equivalence_p(const CrossItemCosine& cosine,
                                    double margin) {
  if (!cosine.cosine.value || cosine.standard_error <= 0.0) {
    return std::nullopt;
  }
  const double distance = margin - std::abs(*cosine.cosine.value);
  return t_upper_tail(distance / cosine.standard_error, cosine.degrees);
}

}  // namespace veer
