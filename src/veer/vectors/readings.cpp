// SPDX-License-Identifier: MIT
#include "veer/vectors/readings.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

std::vector<LensToken> top_tokens(const at::Tensor& logits_V,
                                  std::int64_t count, bool largest) {
  const auto [values, ids] = logits_V.topk(count, 0, largest);
  std::vector<LensToken> tokens;
  for (std::int64_t i = 0; i < count; ++i) {
    tokens.push_back({static_cast<std::int32_t>(ids[i].item<std::int64_t>()),
                      values[i].item<double>()});
  }
  return tokens;
}

// Orthonormal columns [D, r] of the confounds' directions at one layer, or an
// undefined tensor.
at::Tensor confound_basis(std::span<const at::Tensor> confounds,
                          std::int64_t layer) {
  std::vector<at::Tensor> columns;
  for (const auto& confound : confounds) {
    auto column = as_double(confound.select(0, layer));
    for (const auto& earlier : columns) {
      column = column - earlier * earlier.dot(column);
    }
    const double size = column.norm().item<double>();
    if (size > 1e-9 * confound.select(0, layer).norm().item<double>() &&
        size > 0.0) {
      columns.push_back(column / size);
    }
  }
  return columns.empty() ? at::Tensor() : at::stack(columns, 1);
}

// s B and A of the writers of one layer, so that their update is the product.
struct Update {
  std::vector<at::Tensor> outs;
  std::vector<at::Tensor> ins;
};

Update writers_of(const Adapter& adapter, std::int64_t layer,
                  const std::string& writer) {
  Update update;
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  for (const auto& [path, pair] : adapter.pairs) {
    const bool writes = writer.empty() ? path.ends_with(".o_proj") ||
                                             path.ends_with(".down_proj")
                                       : path.ends_with("." + writer);
    if (path.starts_with(prefix) && writes) {
      if (pair.magnitude_O.defined() ||
          adapter.weights.contains(path + ".weight")) {
        fail("adapter as vector",
             path + " is changed as a whole (DoRA or a weight of its own)",
             "a change that is its low-rank pair alone");
      }
      update.outs.push_back(as_double(pair.B_OR.detach()) * pair.scale);
      update.ins.push_back(as_double(pair.A_RI.detach()));
    }
  }
  return update;
}

// Top left singular vector times its singular value of [B1 A1 | B2 A2 | ...],
// through the small matrices: (sum_k B_k A_k A_k' B_k').
at::Tensor top_left(const Update& update) {
  std::vector<at::Tensor> halves;
  for (std::size_t k = 0; k < update.outs.size(); ++k) {
    const auto [q, r] = at::linalg_qr(update.ins[k].t());  // A' = Q R
    halves.push_back(update.outs[k].mm(r.t()));            // B R'
  }
  const auto wide = at::cat(halves, 1);
  const auto [u, s, vt] = at::linalg_svd(wide, /*full_matrices=*/false);
  return u.select(1, 0) * s[0];
}

}  // namespace

std::vector<LensReading> logit_lens(const Transformer& model,
                                    const at::Tensor& directions_LD,
                                    std::int64_t num_tokens) {
  const at::NoGradGuard no_grad;
  std::vector<LensReading> readings;
  const auto count = std::min(num_tokens, model.config().vocab_size);
  for (std::int64_t l = 0; l < directions_LD.size(0); ++l) {
    const auto v_D = directions_LD.select(0, l).to(at::kFloat);
    const double size = v_D.norm().item<double>();
    if (!(size > 0.0)) {
      continue;
    }
    const auto unit_1D =
        (v_D / size).unsqueeze(0).to(model.device(), model.dtype());
    const auto logits_V =
        as_double(model.logits(unit_1D, AdapterStrength()).select(0, 0));
    const auto centred_V = logits_V - logits_V.mean();
    readings.push_back({l, top_tokens(centred_V, count, true),
                        top_tokens(centred_V, count, false)});
  }
  return readings;
}

Residualised project_out(const at::Tensor& directions_LD,
                         std::span<const at::Tensor> confounds) {
  for (const auto& confound : confounds) {
    if (confound.sizes() != directions_LD.sizes()) {
      fail("project out confounds", "a confound of another shape",
           "directions of the same model");
    }
  }
  Residualised out;
  std::vector<at::Tensor> rows;
  for (std::int64_t l = 0; l < directions_LD.size(0); ++l) {
    const auto v_D = as_double(directions_LD.select(0, l));
    const auto basis_DR = confound_basis(confounds, l);
    const auto rest_D =
        basis_DR.defined() ? v_D - basis_DR.mv(basis_DR.t().mv(v_D)) : v_D;
    const double size = v_D.dot(v_D).item<double>();
    out.removed.push_back(
        size > 0.0 ? 1.0 - rest_D.dot(rest_D).item<double>() / size : 0.0);
    rows.push_back(rest_D);
  }
  out.directions_LD = at::stack(rows).to(at::kFloat);
  return out;
}

at::Tensor adapter_directions(const Adapter& adapter, std::int64_t num_layers,
                              std::int64_t width, const std::string& writer,
                              const at::Tensor& towards_LD) {
  auto out = at::zeros({num_layers, width}, at::kFloat);
  bool any = false;
  for (std::int64_t l = 0; l < num_layers; ++l) {
    const auto update = writers_of(adapter, l, writer);
    if (update.outs.empty()) {
      continue;
    }
    if (update.outs.front().size(0) != width) {
      fail("adapter as vector", "a writer that is not as wide as the stream",
           fmt::format("width {}", width));
    }
    any = true;
    auto v_D = top_left(update);
    if (towards_LD.defined() &&
        v_D.dot(as_double(towards_LD.select(0, l))).item<double>() < 0.0) {
      v_D = -v_D;
    }
    out.select(0, l).copy_(v_D);
  }
  if (!any) {
    fail("adapter as vector",
         "no pair for " + (writer.empty() ? "o_proj or down_proj" : writer),
         "an adapter on the projections that write the residual stream");
  }
  return out;
}

}  // namespace veer
