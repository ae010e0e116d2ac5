// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/random.h"
#include "veer/model/weights.h"
#include "veer/train/bake.h"

namespace veer {
namespace {

constexpr std::int64_t kExactSide = 512;
constexpr std::int64_t kExtraColumns = 16;
constexpr int kPasses = 4;
constexpr std::string_view kWeight = ".weight";

double squared_norm(const at::Tensor& tensor) {
  const double n =
      at::linalg_vector_norm(tensor, 2.0, std::nullopt, false, at::kDouble)
          .item<double>();
  return n * n;
}

void check_same_names(const TensorMap& base, const TensorMap& tuned) {
  for (const auto& [name, tensor] : base) {
    const auto found = tuned.find(name);
    if (found == tuned.end() || found->second.sizes() != tensor.sizes()) {
      fail("extract adapter",
           fmt::format("tensor {} of the base is {} in the other model", name,
                       found == tuned.end() ? "missing" : "of another shape"),
           "two checkpoints of one architecture");
    }
  }
  for (const auto& [name, tensor] : tuned) {
    if (!base.contains(name)) {
      fail("extract adapter", fmt::format("the base has no tensor {}", name),
           "two checkpoints of one architecture");
    }
  }
}

// Where one of the two stores a head of its own and the other ties it to the
// embedding, the tied one gets its embedding under that name.
void untie_head(TensorMap& one, TensorMap& other) {
  const std::string head = "lm_head.weight";
  const auto embedding = one.find("model.embed_tokens.weight");
  if (!one.contains(head) && other.contains(head) && embedding != one.end()) {
    one[head] = embedding->second;
  }
}

// A matrix of a block: what a pair can stand for.
bool is_block_matrix(const std::string& name, const at::Tensor& tensor) {
  return name.starts_with("model.layers.") && name.ends_with(kWeight) &&
         tensor.dim() == 2;
}

at::Tensor normal(std::int64_t rows, std::int64_t columns) {
  Random random(0, "extract adapter");
  const at::Tensor out = at::empty({rows, columns}, at::kFloat);
  auto* data = out.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < out.numel(); ++i) {
    data[i] = static_cast<float>(random.normal());
  }
  return out;
}

at::Tensor orthonormal(const at::Tensor& tensor) {
  return std::get<0>(at::linalg_qr(tensor));
}

// Leading singular triples of D (at least `rank` of them if it has them).
std::tuple<at::Tensor, at::Tensor, at::Tensor> leading_svd(
    const at::Tensor& D_OI, std::int64_t rank) {
  const std::int64_t side = std::min(D_OI.size(0), D_OI.size(1));
  const std::int64_t columns = rank + kExtraColumns;
  if (side <= kExactSide || columns >= side) {
    return at::linalg_svd(D_OI, /*full_matrices=*/false);
  }
  auto Q_OC = orthonormal(at::mm(D_OI, normal(D_OI.size(1), columns)));
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto Q_IC = orthonormal(at::mm(D_OI.t(), Q_OC));
    Q_OC = orthonormal(at::mm(D_OI, Q_IC));
  }
  const auto [U_CC, S_C, V_CI] =
      at::linalg_svd(at::mm(Q_OC.t(), D_OI), /*full_matrices=*/false);
  return {at::mm(Q_OC, U_CC), S_C, V_CI};
}

std::pair<LoraPair, double> best_pair(const at::Tensor& D_OI,
                                      std::int64_t rank) {
  const std::int64_t r = std::min({rank, D_OI.size(0), D_OI.size(1)});
  const auto [U, S, V] = leading_svd(D_OI, r);
  const auto root_R = S.narrow(0, 0, r).sqrt();
  LoraPair pair{.A_RI = (V.narrow(0, 0, r) * root_R.unsqueeze(1)).contiguous(),
                .B_OR = (U.narrow(1, 0, r) * root_R).contiguous(),
                .scale = 1.0};
  const double held = squared_norm(S.narrow(0, 0, r));
  return {std::move(pair), std::min(1.0, held / squared_norm(D_OI))};
}

}  // namespace

ExtractResult extract_adapter(const TensorMap& given_base,
                              const TensorMap& given_tuned, std::int64_t rank,
                              const Monitor& monitor) {
  if (rank < 1) {
    fail("extract adapter", fmt::format("rank {}", rank), "at least 1");
  }
  TensorMap base = language_model_part(given_base);
  TensorMap tuned = language_model_part(given_tuned);
  untie_head(base, tuned);
  untie_head(tuned, base);
  check_same_names(base, tuned);
  const at::NoGradGuard no_grad;
  ExtractResult result;
  double all = 0.0;
  double held = 0.0;
  std::int64_t done = 0;
  for (const auto& [name, before] : base) {
    monitor.check_stop("extract adapter");
    const auto D = tuned.at(name).to(at::kFloat) - before.to(at::kFloat);
    const double change = squared_norm(D);
    all += change;
    if (change > 0.0 && is_block_matrix(name, before)) {
      const std::string path = name.substr(0, name.size() - kWeight.size());
      auto [pair, energy] = best_pair(D, rank);
      result.adapter.pairs[path] = std::move(pair);
      result.pairs.push_back({path, energy});
      held += energy * change;
    } else if (change > 0.0) {
      result.not_held[name] =
          std::sqrt(change / std::max(1e-300, squared_norm(before)));
    }
    monitor.progress({.task = "extract adapter",
                      .done = ++done,
                      .total = static_cast<std::int64_t>(base.size()),
                      .unit = "tensors",
                      .note = {}});
  }
  if (result.adapter.pairs.empty()) {
    fail("extract adapter", "no matrix of a block differs",
         "a fine-tuned checkpoint", "the same model was given twice");
  }
  result.energy = held / all;
  return result;
}

}  // namespace veer
