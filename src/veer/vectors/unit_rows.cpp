// SPDX-License-Identifier: MIT
#include "veer/vectors/unit_rows.h"

#include <unordered_map>
#include <unordered_set>

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

at::Tensor counts_of(const RowUnits& units) {
  return at::tensor(units.counts, at::kLong).to(at::kDouble);
}

std::int64_t size_of_union(std::span<const std::string> x,
                           std::span<const std::string> y) {
  std::unordered_set<std::string> ids(x.begin(), x.end());
  ids.insert(y.begin(), y.end());
  return std::ssize(ids);
}

}  // namespace

RowUnits row_units(std::span<const std::string> ids,
                   std::span<const std::string> units) {
  RowUnits out;
  std::unordered_map<std::string, std::int64_t> numbers;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto& name = units.empty() || units[i].empty() ? ids[i] : units[i];
    const auto [at, is_new] = numbers.try_emplace(name, out.size());
    if (is_new) {
      out.names.push_back(name);
      out.counts.push_back(0);
    }
    out.of.push_back(at->second);
    ++out.counts[static_cast<std::size_t>(at->second)];
  }
  return out;
}

RowUnits row_units(const VectorRows& rows) {
  return row_units(rows.ids, rows.units);
}

at::Tensor unit_sums(const at::Tensor& x_ND, const RowUnits& units) {
  if (units.are_single()) {
    return x_ND;
  }
  return at::zeros({units.size(), x_ND.size(1)}, x_ND.options())
      .index_add_(0, at::tensor(units.of, at::kLong), x_ND);
}

ItemUnion unite_units(std::span<const std::string> x_ids, const RowUnits& x,
                      std::span<const std::string> y_ids, const RowUnits& y) {
  if (x.are_single() && y.are_single()) {
    return unite_items(x_ids, y_ids);
  }
  auto out = unite_items(x.names, y.names);
  out.x_counts = x.counts;
  out.y_counts = y.counts;
  out.num_questions = size_of_union(x_ids, y_ids);
  out.num_common = 0;
  for (std::size_t u = 0; u < out.x.size(); ++u) {
    if (out.x[u] >= 0 && out.y[u] >= 0) {
      out.num_common += x.counts[static_cast<std::size_t>(out.x[u])] *
                        y.counts[static_cast<std::size_t>(out.y[u])];
    }
  }
  return out;
}

ItemUnion unite_units(const VectorRows& x, const VectorRows& y) {
  return unite_units(x.ids, row_units(x), y.ids, row_units(y));
}

IntraCluster intra_cluster(const at::Tensor& x_ND, const RowUnits& units) {
  IntraCluster out;
  if (units.are_single()) {
    out.design_effect = 1.0;
    return out;
  }
  const auto n = static_cast<double>(x_ND.size(0));
  const auto m = static_cast<double>(units.size());
  const auto centred_ND = x_ND - x_ND.mean(0);
  const auto sums_MD = unit_sums(centred_ND, units);
  const auto counts_M = counts_of(units);
  const auto squares_M = sums_MD.square().sum(1);
  const double total = centred_ND.square().sum().item<double>();
  if (units.size() < 2 || !(total > 0.0)) {
    return out;
  }
  const double between = (squares_M / counts_M).sum().item<double>();
  const double ms_between = between / (m - 1.0);
  const double ms_within = (total - between) / (n - m);
  const double n0 =
      (n - counts_M.square().sum().item<double>() / n) / (m - 1.0);
  const double spread = ms_between + (n0 - 1.0) * ms_within;
  if (spread > 0.0) {
    out.icc = (ms_between - ms_within) / spread;
  }
  out.design_effect =
      m / (m - 1.0) * squares_M.sum().item<double>() * (n - 1.0) / (n * total);
  return out;
}

}  // namespace veer
