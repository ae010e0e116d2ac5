// SPDX-License-Identifier: MIT
#include "veer/vectors/pair_effects.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

// Items of one kind: their rows on each side (undefined = not on that side).
struct Kind {
  std::int64_t count = 0;
  std::vector<double> items;  // whose rows they are
  at::Tensor x_ND;
  at::Tensor y_ND;
  at::Tensor x_counts_N, y_counts_N;  // questions in each row; undefined = one

  std::int64_t rows() const {
    return x_ND.defined() ? x_ND.size(0) : y_ND.defined() ? y_ND.size(0) : 0;
  }
};

at::Tensor rows_at(const at::Tensor& rows_ND, const std::vector<double>& at) {
  return rows_ND.index_select(0, from_vector(at).to(at::kLong));
}

Kind make_kind(const at::Tensor& x_ND, const at::Tensor& y_MD,
               const ItemUnion& items, bool in_x, bool in_y,
               std::int64_t max_items) {
  std::vector<std::size_t> members;
  for (std::size_t u = 0; u < items.x.size(); ++u) {
    if ((items.x[u] >= 0) == in_x && (items.y[u] >= 0) == in_y) {
      members.push_back(u);
    }
  }
  Kind kind;
  kind.count = static_cast<std::int64_t>(members.size());
  const std::size_t step = std::max<std::size_t>(
      1, (members.size() + static_cast<std::size_t>(max_items) - 1) /
             static_cast<std::size_t>(max_items));
  std::vector<double> x_rows;
  std::vector<double> y_rows;
  for (std::size_t m = 0; m < members.size(); m += step) {
    kind.items.push_back(static_cast<double>(members[m]));
    x_rows.push_back(static_cast<double>(items.x[members[m]]));
    y_rows.push_back(static_cast<double>(items.y[members[m]]));
  }
  const auto take = [](const at::Tensor& all, const std::vector<double>& at,
                       const std::vector<std::int64_t>& counts,
                       at::Tensor& rows_ND, at::Tensor& counts_N) {
    rows_ND = rows_at(all, at);
    if (!counts.empty()) {
      counts_N = at::tensor(counts, at::kLong)
                     .index_select(0, from_vector(at).to(at::kLong))
                     .to(at::kDouble);
      rows_ND = rows_ND / counts_N.unsqueeze(1);
    }
  };
  if (in_x && !x_rows.empty()) {
    take(x_ND, x_rows, items.x_counts, kind.x_ND, kind.x_counts_N);
  }
  if (in_y && !y_rows.empty()) {
    take(y_MD, y_rows, items.y_counts, kind.y_ND, kind.y_counts_N);
  }
  return kind;
}

// Products of rows of two kinds, and how many pairs of questions each stands
// for (undefined = one); undefined where a side lacks them.
struct Kernel {
  at::Tensor g_NM;
  at::Tensor pairs_NM;
};

Kernel products(const at::Tensor& left, const at::Tensor& left_counts,
                const at::Tensor& right, const at::Tensor& right_counts) {
  if (!left.defined() || !right.defined()) {
    return {};
  }
  return {left.mm(right.t()), left_counts.defined()
                                  ? left_counts.outer(right_counts)
                                  : at::Tensor()};
}

// What is left of a symmetric matrix without its diagonal after mean and item
// effects (round robin).
at::Tensor hollow_centred(at::Tensor g_NN) {
  const auto m = static_cast<double>(g_NN.size(0));
  g_NN.diagonal().fill_(0.0);
  const auto sums_N = g_NN.sum(1);
  const auto mean = sums_N.sum() / (m * (m - 1.0));
  const auto effects_N = (sums_N - mean * (m - 1.0)) / (m - 2.0);
  auto r_NN = g_NN - mean - effects_N.unsqueeze(1) - effects_N.unsqueeze(0);
  r_NN.diagonal().fill_(0.0);
  return r_NN;
}

// The same for two different kinds of items.
at::Tensor crossed_centred(const at::Tensor& g_NM) {
  return g_NM - g_NM.mean(1, /*keepdim=*/true) -
         g_NM.mean(0, /*keepdim=*/true) + g_NM.mean();
}

// Residuals scaled so that the sum of products over i < j is unbiased for all
// pairs of `count` items. Weighted by pairs of questions they are centred once
// more, because what follows needs rows that sum to 0.
at::Tensor hollow_residuals(const Kernel& kernel, std::int64_t count) {
  auto r_NN = hollow_centred(kernel.g_NM.clone());
  if (kernel.pairs_NM.defined()) {
    r_NN = hollow_centred(r_NN * kernel.pairs_NM);
  }
  const auto m = static_cast<double>(r_NN.size(0));
  const auto all = static_cast<double>(count);
  const double pairs = all * (all - 1.0) / 2.0;
  // m (m - 3) / 2 degrees of freedom; each pair stands in the matrix twice.
  return r_NN * std::sqrt(pairs / (m * (m - 3.0)));
}

// The same for two different kinds of items: each pair stands there once.
at::Tensor crossed_residuals(const Kernel& kernel, double pairs) {
  auto r_NM = crossed_centred(kernel.g_NM);
  if (kernel.pairs_NM.defined()) {
    r_NM = crossed_centred(r_NM * kernel.pairs_NM);
  }
  const auto n = static_cast<double>(r_NM.size(0));
  const auto m = static_cast<double>(r_NM.size(1));
  return r_NM * std::sqrt(pairs / ((n - 1.0) * (m - 1.0)));
}

// Residuals of the three kernels on one block of pairs, already weighted to be
// parts of a, b and c.
struct Residuals {
  at::Tensor a, b, c;
};

// Sums of products of residuals over all blocks.
struct Products {
  double aa = 0, bb = 0, ab = 0, ac = 0, bc = 0;

  void add(const Residuals& r) {
    const auto dot = [](const at::Tensor& p, const at::Tensor& q) {
      return p.defined() && q.defined() ? (p * q).sum().item<double>() : 0.0;
    };
    aa += dot(r.a, r.a);
    bb += dot(r.b, r.b);
    ab += dot(r.a, r.b);
    ac += dot(r.a, r.c);
    bc += dot(r.b, r.c);
  }
};

at::Tensor sum_defined(const at::Tensor& p, const at::Tensor& q) {
  if (!p.defined() || !q.defined()) {
    return p.defined() ? p : q;
  }
  return p + q;
}

struct Weights {
  double a = 0.0, b = 0.0, c = 0.0;  // of one unordered pair in the mean
};

// x of one with y of the other, both ways round, weighted where the numbers of
// questions differ between the sides.
Kernel cross_kernel(const Kind& s, const Kind& t) {
  const auto there = products(s.x_ND, s.x_counts_N, t.y_ND, t.y_counts_N);
  const auto back = products(s.y_ND, s.y_counts_N, t.x_ND, t.x_counts_N);
  if (!there.pairs_NM.defined() || !back.pairs_NM.defined()) {
    return {sum_defined(there.g_NM, back.g_NM),
            there.pairs_NM.defined() ? there.pairs_NM : back.pairs_NM};
  }
  const auto pairs_NM = (there.pairs_NM + back.pairs_NM) / 2.0;
  return {(there.g_NM * there.pairs_NM + back.g_NM * back.pairs_NM) / pairs_NM,
          pairs_NM};
}

// Residuals of the pairs of one item of `s` and one of `t`; nothing when they
// are too few.
Residuals block_residuals(const Kind& s, const Kind& t, bool same,
                          const Weights& w) {
  if (std::min(s.rows(), t.rows()) < (same ? 4 : 2)) {
    return {};
  }
  const auto residuals = [&](const Kernel& kernel, double weight) {
    if (!kernel.g_NM.defined()) {
      return at::Tensor();
    }
    return (same ? hollow_residuals(kernel, s.count)
                 : crossed_residuals(kernel,
                                     static_cast<double>(s.count * t.count))) *
           weight;
  };
  return {residuals(products(s.x_ND, s.x_counts_N, t.x_ND, t.x_counts_N), w.a),
          residuals(products(s.y_ND, s.y_counts_N, t.y_ND, t.y_counts_N), w.b),
          residuals(cross_kernel(s, t), w.c)};
}

// A sum of the three kernels' residuals.
at::Tensor weighted_residuals(const Residuals& r, const Weights& w) {
  const auto times = [](const at::Tensor& part, double weight) {
    return part.defined() && weight != 0.0 ? part * weight : at::Tensor();
  };
  return sum_defined(sum_defined(times(r.a, w.a), times(r.b, w.b)),
                     times(r.c, w.c));
}

// Puts a block in its place and, unless it is on the diagonal, its mirror
// image. A block on the diagonal was scaled to sum up with each pair twice.
void place(const at::Tensor& whole_NN, const at::Tensor& block_ST,
           std::int64_t top, std::int64_t left) {
  const auto at = [&whole_NN, &block_ST](std::int64_t row, std::int64_t column,
                                         int first, int second) {
    return whole_NN.narrow(0, row, block_ST.size(first))
        .narrow(1, column, block_ST.size(second));
  };
  if (top == left) {
    at(top, left, 0, 1).copy_(block_ST * std::sqrt(2.0));
    return;
  }
  at(top, left, 0, 1).copy_(block_ST);
  at(left, top, 1, 0).copy_(block_ST.t());
}

// tr(R^2)^2 / tr(R^4); 0 of a matrix of zeros.
double effective_rank(const at::Tensor& r_NN) {
  const double second = r_NN.square().sum().item<double>();
  const double fourth = r_NN.mm(r_NN).square().sum().item<double>();
  return fourth > 0.0 ? second * second / fourth : 0.0;
}

// Questions of one side, and pairs of two of one item.
struct Questions {
  double all = 0.0;
  double own = 0.0;
};

Questions questions_of(const std::vector<std::int64_t>& counts,
                       std::int64_t rows) {
  if (counts.empty()) {
    return {static_cast<double>(rows), static_cast<double>(rows)};
  }
  Questions out;
  for (const auto count : counts) {
    out.all += static_cast<double>(count);
    out.own += static_cast<double>(count * count);
  }
  return out;
}

}  // namespace

PairEffects pair_effects(const at::Tensor& x_ND, const at::Tensor& y_MD,
                         const ItemUnion& items, double theta, double a,
                         double b, std::int64_t max_items) {
  const std::array<Kind, 3> kinds = {
      make_kind(x_ND, y_MD, items, true, true, max_items),
      make_kind(x_ND, y_MD, items, true, false, max_items),
      make_kind(x_ND, y_MD, items, false, true, max_items)};
  const auto x = questions_of(items.x_counts, x_ND.size(0));
  const auto y = questions_of(items.y_counts, y_MD.size(0));
  const Weights weights{
      2.0 / (x.all * x.all - x.own), 2.0 / (y.all * y.all - y.own),
      1.0 / (x.all * y.all - static_cast<double>(items.num_common))};
  const double root = std::sqrt(a * b);
  const Weights of_product{0.0, 0.0, 1.0 / root};
  const Weights of_length{0.5 / a, 0.5 / b, 0.0};
  const auto total = kinds[0].rows() + kinds[1].rows() + kinds[2].rows();
  PairEffects out;
  out.product_MM = at::zeros({total, total}, x_ND.options());
  out.length_MM = at::zeros({total, total}, x_ND.options());
  Products p;
  std::int64_t top = 0;
  std::vector<double> rows;
  std::vector<double> scale;
  for (std::size_t s = 0; s < kinds.size(); ++s) {
    std::int64_t left = top;
    for (std::size_t t = s; t < kinds.size(); ++t) {
      const auto parts = block_residuals(kinds[s], kinds[t], s == t, weights);
      p.add(parts);
      for (const auto& [whole_MM, own] :
           {std::pair{out.product_MM, of_product},
            std::pair{out.length_MM, of_length}}) {
        const auto r_ST = weighted_residuals(parts, own);
        if (r_ST.defined()) {
          place(whole_MM, r_ST, top, left);
        }
      }
      left += kinds[t].rows();
    }
    top += kinds[s].rows();
    rows.insert(rows.end(), kinds[s].items.begin(), kinds[s].items.end());
    scale.insert(scale.end(), kinds[s].items.size(),
                 std::sqrt(static_cast<double>(kinds[s].count) /
                           static_cast<double>(kinds[s].items.size())));
  }
  out.items_M = from_vector(rows).to(at::kLong);
  out.scale_M = from_vector(scale);
  out.bias = -0.5 * (p.ac / a + p.bc / b) / root +
             theta * (0.375 * (p.aa / (a * a) + p.bb / (b * b)) +
                      0.25 * p.ab / (a * b));
  out.length_difference =
      p.aa / (a * a) + p.bb / (b * b) - 2.0 * p.ab / (a * b);
  out.effective_rank = effective_rank(out.product_MM - theta * out.length_MM);
  return out;
}

double pair_bias_share(double effective_rank) {
  return effective_rank > 1.0 ? 1.0 - 1.0 / (effective_rank * effective_rank)
                              : 0.0;
}

}  // namespace veer
