// SPDX-License-Identifier: MIT
//
// The attention kernels that torch has for cards only: what they refuse, and
// by the formula what they give. Each counts as one launch.
#include <limits>
#include <optional>
#include <tuple>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include "device/fake/counts.h"
#include "device/fake/device.h"
#include "device/fake/tensors.h"

namespace veer::fake {
namespace {

using MaybeTensor = std::optional<at::Tensor>;
using MaybeInt = std::optional<std::int64_t>;

constexpr std::int64_t kCausal = 1;

// One attention of a text or a batch row: where its queries and keys lie in
// [T, heads, H], and what is added to its scores, [M, J] or [heads, M, J].
struct Piece {
  std::int64_t first_query = 0;
  std::int64_t queries = 0;
  std::int64_t first_key = 0;
  std::int64_t keys = 0;
  at::Tensor bias;
};

// q, k and v on the host, [T, heads, H] fp64, and their attentions.
struct Problem {
  at::Tensor q;
  at::Tensor k;
  at::Tensor v;
  double scale = 1.0;
  std::vector<Piece> pieces;
};

at::Tensor wide(const at::Tensor& x) {
  return host_view(x).to(at::kDouble);
}

at::Tensor part(const at::Tensor& x_TNH, std::int64_t first, std::int64_t count,
                std::int64_t heads) {
  const auto x_NMH = x_TNH.narrow(0, first, count).transpose(0, 1);
  return x_NMH.repeat_interleave(heads / x_NMH.size(0), 0);
}

at::Tensor scores_of(const Problem& problem, const Piece& piece) {
  const std::int64_t heads = problem.q.size(1);
  const auto q = part(problem.q, piece.first_query, piece.queries, heads);
  const auto k = part(problem.k, piece.first_key, piece.keys, heads);
  return at::matmul(q, k.transpose(1, 2)) * problem.scale + piece.bias;
}

// The result [T, Q, H] and the log of each query's sum [Q, T], fp64.
std::pair<at::Tensor, at::Tensor> solve(const Problem& problem) {
  auto out = at::zeros(problem.q.sizes(), problem.q.options());
  auto sums =
      at::zeros({problem.q.size(1), problem.q.size(0)}, problem.q.options());
  for (const Piece& piece : problem.pieces) {
    const auto scores = scores_of(problem, piece);
    const auto v =
        part(problem.v, piece.first_key, piece.keys, problem.q.size(1));
    out.narrow(0, piece.first_query, piece.queries)
        .copy_(at::matmul(scores.softmax(-1), v).transpose(0, 1));
    sums.narrow(1, piece.first_query, piece.queries)
        .copy_(at::logsumexp(scores, -1));
  }
  return {out, sums};
}

// Adds to the key heads what their query heads [Q, J, H] got.
void add_keys(const at::Tensor& to_TKH, const Piece& piece,
              const at::Tensor& gradient) {
  const std::int64_t heads = to_TKH.size(1);
  to_TKH.narrow(0, piece.first_key, piece.keys)
      .add_(gradient.unflatten(0, {heads, -1}).sum(1).transpose(0, 1));
}

std::vector<at::Tensor> differentiate(const Problem& problem,
                                      const at::Tensor& gradient_TQH) {
  auto dq = at::zeros(problem.q.sizes(), problem.q.options());
  auto dk = at::zeros(problem.k.sizes(), problem.k.options());
  auto dv = at::zeros(problem.v.sizes(), problem.v.options());
  const std::int64_t heads = problem.q.size(1);
  for (const Piece& piece : problem.pieces) {
    const auto weights = scores_of(problem, piece).softmax(-1);
    const auto dout =
        part(gradient_TQH, piece.first_query, piece.queries, heads);
    const auto v = part(problem.v, piece.first_key, piece.keys, heads);
    const auto dweights = at::matmul(dout, v.transpose(1, 2));
    const auto dscores = weights *
                         (dweights - (dweights * weights).sum(-1, true)) *
                         problem.scale;
    const auto k = part(problem.k, piece.first_key, piece.keys, heads);
    const auto q = part(problem.q, piece.first_query, piece.queries, heads);
    dq.narrow(0, piece.first_query, piece.queries)
        .copy_(at::matmul(dscores, k).transpose(0, 1));
    add_keys(dk, piece, at::matmul(dscores.transpose(1, 2), q));
    add_keys(dv, piece, at::matmul(weights.transpose(1, 2), dout));
  }
  return {dq, dk, dv};
}

// -inf above the diagonal and before the window.
at::Tensor causal(std::int64_t length, MaybeInt left) {
  const auto at_M = at::arange(length);
  auto hidden = at_M.unsqueeze(0) > at_M.unsqueeze(1);
  if (left && *left >= 0) {
    hidden = hidden.logical_or(at_M.unsqueeze(0) < at_M.unsqueeze(1) - *left);
  }
  return at::zeros({length, length}, at::kDouble)
      .masked_fill(hidden, -std::numeric_limits<double>::infinity());
}

void refuse_layout(const at::Tensor& x) {
  TORCH_CHECK(x.device() == device(), "attention: not on the device");
  TORCH_CHECK(x.stride(-1) == 1, "attention: last axis not contiguous");
}

std::vector<Piece> texts_of(const at::Tensor& offsets, std::int64_t longest,
                            MaybeInt left) {
  TORCH_CHECK(offsets.scalar_type() == at::kInt && offsets.is_contiguous() &&
                  offsets.device() == device(),
              "attention: offsets must be int32 on the device");
  const auto host = host_view(offsets);
  const auto* begin = host.const_data_ptr<std::int32_t>();
  std::vector<Piece> pieces;
  for (std::int64_t b = 0; b + 1 < host.size(0); ++b) {
    const std::int64_t length = begin[b + 1] - begin[b];
    TORCH_CHECK(length <= longest, "attention: a longer text than said");
    pieces.push_back(
        {begin[b], length, begin[b], length, causal(length, left)});
  }
  return pieces;
}

Problem flash_problem(const at::Tensor& q, const at::Tensor& k,
                      const at::Tensor& v, const at::Tensor& offsets,
                      std::int64_t longest, std::optional<double> scale,
                      MaybeInt left) {
  for (const auto* x : {&q, &k, &v}) {
    refuse_layout(*x);
    TORCH_CHECK(
        x->scalar_type() == at::kHalf || x->scalar_type() == at::kBFloat16,
        "flash attention: 16 bit only");
    TORCH_CHECK(x->dim() == 3 && x->size(2) % 8 == 0 && x->size(2) <= 256,
                "flash attention: head width");
  }
  TORCH_CHECK(q.size(1) % k.size(1) == 0, "flash attention: heads");
  return {wide(q), wide(k), wide(v), scale.value(),
          texts_of(offsets, longest, left)};
}

std::vector<Piece> rows_of(const at::Tensor& q, const at::Tensor& k,
                           const MaybeTensor& bias) {
  std::vector<Piece> pieces;
  for (std::int64_t b = 0; b < q.size(0); ++b) {
    const auto added =
        bias ? wide(*bias)[b] : at::zeros({q.size(1), k.size(1)}, at::kDouble);
    pieces.push_back(
        {b * q.size(1), q.size(1), b * k.size(1), k.size(1), added});
  }
  return pieces;
}

void refuse_bias(const at::Tensor& bias, const at::Tensor& q,
                 const at::Tensor& k) {
  refuse_layout(bias);
  TORCH_CHECK(bias.scalar_type() == q.scalar_type(), "attention: bias dtype");
  TORCH_CHECK(bias.sizes() ==
                  at::IntArrayRef({q.size(0), q.size(2), q.size(1), k.size(1)}),
              "attention: bias shape");
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    TORCH_CHECK(bias.stride(axis) % 8 == 0, "attention: bias not aligned");
  }
}

// Autograd hands on what was not there as a tensor that is undefined.
MaybeTensor present(const MaybeTensor& tensor) {
  return tensor && tensor->defined() ? tensor : std::nullopt;
}

Problem efficient_problem(const at::Tensor& q, const at::Tensor& k,
                          const at::Tensor& v, const MaybeTensor& maybe_bias,
                          const MaybeTensor& maybe_offsets, MaybeInt longest,
                          std::int64_t mask, std::optional<double> scale) {
  const auto bias = present(maybe_bias);
  const auto offsets = present(maybe_offsets);
  for (const auto* x : {&q, &k, &v}) {
    refuse_layout(*x);
    TORCH_CHECK(x->dim() == 4 && x->size(2) == q.size(2),
                "memory-efficient attention: heads");
    TORCH_CHECK(x->size(3) % (x->element_size() == 2 ? 8 : 4) == 0,
                "memory-efficient attention: head width");
  }
  if (bias) {
    refuse_bias(*bias, q, k);
  }
  TORCH_CHECK(offsets.has_value() == (mask == kCausal),
              "the fake device knows whole texts under a causal mask, and rows "
              "under a bias");
  TORCH_CHECK(!offsets || q.size(0) == 1, "attention: texts in one row");
  return {
      wide(q).flatten(0, 1), wide(k).flatten(0, 1), wide(v).flatten(0, 1),
      scale.value(),
      offsets ? texts_of(*offsets, longest.value(), {}) : rows_of(q, k, bias)};
}

at::Tensor made(const at::Tensor& numbers, at::IntArrayRef sizes,
                at::ScalarType dtype) {
  auto result =
      at::empty(sizes, at::TensorOptions().dtype(dtype).device(device()));
  host_view(result).copy_(numbers.reshape(sizes));
  return result;
}

at::Tensor nothing() {
  return at::empty({}, at::TensorOptions().dtype(at::kLong).device(device()));
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> flash(
    const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
    const MaybeTensor& offsets_q, const MaybeTensor& /*offsets_k*/,
    std::int64_t longest, std::int64_t /*longest_k*/, double /*dropout*/,
    bool is_causal, bool /*debug*/, std::optional<double> scale, MaybeInt left,
    MaybeInt /*right*/, const MaybeTensor& /*used*/,
    const MaybeTensor& /*alibi*/, const MaybeTensor& /*blocks*/,
    MaybeInt /*splits*/) {
  TORCH_CHECK(is_causal && offsets_q, "the fake device knows whole texts");
  const auto [out, sums] =
      solve(flash_problem(q, k, v, *offsets_q, longest, scale, left));
  count_launch("_flash_attention_forward", /*waits=*/false);
  return {made(out, q.sizes(), q.scalar_type()),
          made(sums, sums.sizes(), at::kFloat), nothing(), nothing(),
          nothing()};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> flash_backward(
    const at::Tensor& gradient, const at::Tensor& q, const at::Tensor& k,
    const at::Tensor& v, const at::Tensor& /*out*/, const at::Tensor& /*sums*/,
    const at::Tensor& offsets, const at::Tensor& /*offsets_k*/,
    std::int64_t longest, std::int64_t /*longest_k*/, double /*dropout*/,
    bool /*is_causal*/, const at::Tensor& /*rng*/, const at::Tensor& /*unused*/,
    std::optional<double> scale, MaybeInt left, MaybeInt /*right*/) {
  const auto d = differentiate(
      flash_problem(q, k, v, offsets, longest, scale, left), wide(gradient));
  count_launch("_flash_attention_backward", /*waits=*/false);
  return {made(d[0], q.sizes(), q.scalar_type()),
          made(d[1], k.sizes(), q.scalar_type()),
          made(d[2], v.sizes(), q.scalar_type())};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, c10::SymInt,
           c10::SymInt>
efficient(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
          const MaybeTensor& bias, const MaybeTensor& offsets_q,
          const MaybeTensor& /*offsets_k*/, MaybeInt longest,
          MaybeInt longest_k, double /*dropout*/, std::int64_t mask,
          bool /*sums*/, std::optional<double> scale,
          const MaybeTensor& /*used*/, MaybeInt /*window*/) {
  const auto [out, sums] =
      solve(efficient_problem(q, k, v, bias, offsets_q, longest, mask, scale));
  count_launch("_efficient_attention_forward", /*waits=*/false);
  return {made(out, q.sizes(), q.scalar_type()),
          made(sums, sums.sizes(), at::kFloat),
          nothing(),
          nothing(),
          c10::SymInt(longest.value_or(q.size(1))),
          c10::SymInt(longest_k.value_or(k.size(1)))};
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> efficient_backward(
    const at::Tensor& gradient, const at::Tensor& q, const at::Tensor& k,
    const at::Tensor& v, const MaybeTensor& bias, const at::Tensor& /*out*/,
    const MaybeTensor& offsets_q, const MaybeTensor& /*offsets_k*/,
    std::int64_t longest, std::int64_t /*longest_k*/,
    const at::Tensor& /*sums*/, double /*dropout*/, const at::Tensor& /*seed*/,
    const at::Tensor& /*offset*/, std::int64_t mask, bool /*bias_gradient*/,
    std::optional<double> scale, MaybeInt /*splits*/, MaybeInt /*window*/,
    bool /*shared*/) {
  const auto d = differentiate(
      efficient_problem(q, k, v, bias, offsets_q, longest, mask, scale),
      wide(gradient).flatten(0, 1));
  count_launch("_efficient_attention_backward", /*waits=*/false);
  return {made(d[0], q.sizes(), q.scalar_type()),
          made(d[1], k.sizes(), q.scalar_type()),
          made(d[2], v.sizes(), q.scalar_type()), at::Tensor()};
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("_flash_attention_forward", TORCH_FN(flash));
  library.impl("_flash_attention_backward", TORCH_FN(flash_backward));
  library.impl("_efficient_attention_forward", TORCH_FN(efficient));
  library.impl("_efficient_attention_backward", TORCH_FN(efficient_backward));
}

}  // namespace
}  // namespace veer::fake
