// SPDX-License-Identifier: MIT
#include "veer/vectors/pair_metrics.h"

#include <cmath>

#include <ATen/ops/linalg_svdvals.h>

#include "veer/base/hash.h"
#include "veer/vectors/methods.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

at::Tensor index_tensor(const std::vector<double>& indices) {
  return from_vector(indices).to(at::kLong);
}

// Items whose id hashes to `parity`: the same item is on the same side in
// every vector.
at::Tensor half(const at::Tensor& x_ND, std::span<const std::string> ids,
                std::uint64_t parity) {
  std::vector<double> rows;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if ((hash64(ids[i], /*seed=*/17) & 1) == parity) {
      rows.push_back(static_cast<double>(i));
    }
  }
  return x_ND.index_select(0, index_tensor(rows));
}

std::optional<double> energy_inside(const at::Tensor& axes_RD,
                                    const at::Tensor& v_D) {
  const double size = v_D.dot(v_D).item<double>();
  if (!(size > 0.0)) {
    return std::nullopt;
  }
  return axes_RD.mv(v_D).square().sum().item<double>() / size;
}

// At most kCkaItems of the entries, evenly spread.
constexpr std::size_t kCkaItems = 256;

void thin(std::vector<double>& rows) {
  const std::size_t step = (rows.size() + kCkaItems - 1) / kCkaItems;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows.size(); i += step) {
    rows[kept++] = rows[i];
  }
  rows.resize(kept);
}

// Unbiased HSIC of two Gram matrices with zero diagonals.
double unbiased_hsic(const at::Tensor& k_NN, const at::Tensor& l_NN) {
  const auto n = static_cast<double>(k_NN.size(0));
  const double product = (k_NN * l_NN).sum().item<double>();
  const double sums = k_NN.sum().item<double>() * l_NN.sum().item<double>();
  const double rows = k_NN.sum(1).dot(l_NN.sum(1)).item<double>();
  return (product + sums / ((n - 1.0) * (n - 2.0)) - 2.0 / (n - 2.0) * rows) /
         (n * (n - 3.0));
}

at::Tensor hollow_gram(const at::Tensor& x_ND) {
  auto gram_NN = x_ND.mm(x_ND.t());
  gram_NN.diagonal().fill_(0.0);
  return gram_NN;
}

}  // namespace

SubspaceComparison compare_subspaces(const at::Tensor& x_ND,
                                     std::span<const std::string> x_ids,
                                     const at::Tensor& y_MD,
                                     std::span<const std::string> y_ids,
                                     std::int64_t rank) {
  SubspaceComparison out;
  const auto x_half = half(x_ND, x_ids, 0);
  const auto y_half = half(y_MD, y_ids, 1);
  if (rank < 1 || x_half.size(0) <= rank || y_half.size(0) <= rank) {
    return out;
  }
  const auto x_axes = difference_subspace(x_half, rank);
  const auto y_axes = difference_subspace(y_half, rank);
  if (x_axes.size(0) == 0 || y_axes.size(0) == 0) {
    return out;
  }
  out.principal_cosines = to_vector(at::linalg_svdvals(x_axes.mm(y_axes.t())));
  out.energy_of_b_in_a = energy_inside(x_axes, y_half.mean(0));
  out.energy_of_a_in_b = energy_inside(y_axes, x_half.mean(0));
  return out;
}

std::optional<double> debiased_cka(const at::Tensor& x_ND,
                                   const at::Tensor& y_MD,
                                   const ItemUnion& items) {
  std::vector<double> x_rows;
  std::vector<double> y_rows;
  for (std::size_t u = 0; u < items.x.size(); ++u) {
    if (items.x[u] >= 0 && items.y[u] >= 0) {
      x_rows.push_back(static_cast<double>(items.x[u]));
      y_rows.push_back(static_cast<double>(items.y[u]));
    }
  }
  if (x_rows.size() < 4) {
    return std::nullopt;
  }
  thin(x_rows);
  thin(y_rows);
  const auto k_NN = hollow_gram(x_ND.index_select(0, index_tensor(x_rows)));
  const auto l_NN = hollow_gram(y_MD.index_select(0, index_tensor(y_rows)));
  const double kk = unbiased_hsic(k_NN, k_NN);
  const double ll = unbiased_hsic(l_NN, l_NN);
  if (!(kk > 0.0) || !(ll > 0.0)) {
    return std::nullopt;
  }
  return unbiased_hsic(k_NN, l_NN) / std::sqrt(kk * ll);
}

at::Tensor ordinary_dimensions(const at::Tensor& mean_activation_D) {
  const auto sizes_D = mean_activation_D.abs();
  return (sizes_D <= sizes_D.median() * 20.0).to(at::kDouble);
}

}  // namespace veer
