// SPDX-License-Identifier: MIT
#include "veer/train/adapter_start.h"

#include <algorithm>
#include <tuple>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/mm.h>
#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

// Eigenvectors of the largest eigenvalues, which eigh() gives last.
at::Tensor leading(const at::Tensor& square, std::int64_t rank) {
  const auto vectors = std::get<1>(at::linalg_eigh(square));
  return vectors.narrow(1, vectors.size(1) - rank, rank);
}

// Both of which the product is the part of W that is taken out of it.
std::pair<at::Tensor, at::Tensor> start_of(AdapterStart start,
                                           const at::Tensor& W_OI,
                                           std::int64_t rank, double scale) {
  if (start == AdapterStart::kOlora) {
    const auto Q_OR = std::get<0>(at::linalg_qr(W_OI.narrow(1, 0, rank)));
    return {Q_OR * scale, at::mm(Q_OR.t(), W_OI)};
  }
  // Only the leading directions matter, of the shorter side.
  if (W_OI.size(0) <= W_OI.size(1)) {
    const auto U_OR = leading(at::mm(W_OI, W_OI.t()), rank);
    return {U_OR, at::mm(U_OR.t(), W_OI)};
  }
  const auto V_IR = leading(at::mm(W_OI.t(), W_OI), rank);
  return {at::mm(W_OI, V_IR), V_IR.t()};
}

}  // namespace

LoraPair without_start(const LoraPair& pair, AdapterStart start,
                       const at::Tensor& weight_OI, const std::string& path) {
  const at::NoGradGuard no_grad;
  const auto W_OI = weight_OI.detach().cpu().to(at::kDouble);
  const std::int64_t rank = pair.A_RI.size(0);
  if (pair.scale == 0.0 || rank > std::min(W_OI.size(0), W_OI.size(1))) {
    fail("read adapter",
         fmt::format("{}: a start of rank {} and scale {}", path, rank,
                     pair.scale),
         "a rank of at most the layer's own and a scale other than 0");
  }
  const auto [out, in] = start_of(start, W_OI, rank, pair.scale);
  LoraPair whole = pair;
  whole.A_RI = at::cat({pair.A_RI, in.to(at::kFloat)});
  whole.B_OR = at::cat({pair.B_OR, (out / -pair.scale).to(at::kFloat)}, 1);
  return whole;
}

}  // namespace veer
