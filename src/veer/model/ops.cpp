// SPDX-License-Identifier: MIT
#include "veer/model/ops.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "veer/model/kernels.h"

namespace veer::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Numbers that a thread should at least have to work on.
constexpr std::int64_t kGrain = 16384;
// Rows summed apart in a weight's gradient: independent of the threads, so
// that the sum is too.
constexpr std::int64_t kSumRows = 256;

// Of every tensor that a kernel reads: a card's addresses mean nothing here.
template <class... Tensors>
bool fused(const Tensors&... all) {
  return ((all.is_cpu() && all.scalar_type() == at::kFloat) && ...);
}

std::int64_t grain(std::int64_t width) {
  return std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, width));
}

const float* data(const at::Tensor& x) {
  return x.const_data_ptr<float>();
}
float* mutable_data(const at::Tensor& x) {
  return x.data_ptr<float>();
}

// Whether somebody differentiates through one of these.
template <class... Tensors>
bool records(const Tensors&... inputs) {
  return c10::GradMode::is_enabled() && (inputs.requires_grad() || ...);
}

// rstd may be null. x and weight contiguous.
at::Tensor run_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    bool plus_one, float* rstd) {
  const std::int64_t width = x.size(-1);
  auto y = at::empty(x.sizes(), x.options());
  at::parallel_for(0, x.numel() / width, grain(width),
                   [&](auto begin, auto end) {
                     kernels().norm(data(x) + begin * width, data(weight),
                                    end - begin, width, static_cast<float>(eps),
                                    plus_one, mutable_data(y) + begin * width,
                                    rstd == nullptr ? nullptr : rstd + begin);
                   });
  return y;
}

class Norm : public torch::autograd::Function<Norm> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const at::Tensor& weight, double eps,
                            bool plus_one) {
    auto rstd = at::empty({x.numel() / x.size(-1)}, x.options());
    context->save_for_backward({x, weight, rstd});
    context->saved_data["plus_one"] = plus_one;
    return run_norm(x, weight, eps, plus_one, mutable_data(rstd));
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& x = saved[0];
    const auto dy = gradients[0].contiguous();
    const bool plus_one = context->saved_data["plus_one"].toBool();
    const std::int64_t width = x.size(-1);
    const std::int64_t rows = x.numel() / width;
    const std::int64_t blocks = (rows + kSumRows - 1) / kSumRows;
    auto dx = at::empty_like(x);
    at::Tensor dw;
    if (context->needs_input_grad(1)) {
      dw = at::zeros({blocks, width}, x.options());
    }
    const std::int64_t least = (grain(width) + kSumRows - 1) / kSumRows;
    at::parallel_for(0, blocks, least, [&](auto begin, auto end) {
      for (auto block = begin; block < end; ++block) {
        const std::int64_t first = block * kSumRows;
        kernels().norm_backward(
            data(x) + first * width, data(saved[1]), data(saved[2]) + first,
            data(dy) + first * width, std::min(kSumRows, rows - first), width,
            plus_one, mutable_data(dx) + first * width,
            dw.defined() ? mutable_data(dw) + block * width : nullptr);
      }
    });
    return {dx, dw.defined() ? dw.sum(0) : dw, at::Tensor(), at::Tensor()};
  }
};

// Rows of a matrix whose numbers lie side by side, possibly part of a wider
// one.
at::Tensor strided_rows(const at::Tensor& x) {
  return x.dim() == 2 && x.stride(1) == 1 ? x : x.contiguous();
}

template <class Body>
void over_gate_rows(const at::Tensor& gate, const Body& body) {
  const std::int64_t width = gate.size(1);
  const std::int64_t stride = gate.stride(0);
  at::parallel_for(
      0, gate.size(0), grain(4 * width),
      [&](auto begin, auto end) { body(begin, end - begin, width, stride); });
}

// Rows of gate and up lie equally far apart.
at::Tensor run_swiglu(const at::Tensor& gate, const at::Tensor& up) {
  auto y = at::empty(gate.sizes(), gate.options());
  over_gate_rows(gate, [&](std::int64_t first, std::int64_t count,
                           std::int64_t width, std::int64_t stride) {
    kernels().swiglu(data(gate) + first * stride, data(up) + first * stride,
                     count, width, stride, mutable_data(y) + first * width);
  });
  return y;
}

class Swiglu : public torch::autograd::Function<Swiglu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate,
                            const at::Tensor& up) {
    context->save_for_backward({gate, up});
    return run_swiglu(gate, up);
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto dy = gradients[0].contiguous();
    auto dgate = at::empty(dy.sizes(), dy.options());
    auto dup = at::empty(dy.sizes(), dy.options());
    over_gate_rows(saved[0], [&](std::int64_t first, std::int64_t count,
                                 std::int64_t width, std::int64_t stride) {
      kernels().swiglu_backward(data(saved[0]) + first * stride,
                                data(saved[1]) + first * stride,
                                data(dy) + first * width, count, width, stride,
                                mutable_data(dgate) + first * width,
                                mutable_data(dup) + first * width);
    });
    return {dgate, dup};
  }
};

at::Tensor run_rotate(const at::Tensor& in_TNH, const at::Tensor& cos_TP,
                      const at::Tensor& sin_TP, bool inverse) {
  const bool packed_heads =
      in_TNH.stride(2) == 1 && in_TNH.stride(1) == in_TNH.size(2);
  const auto x = packed_heads ? in_TNH : in_TNH.contiguous();
  auto y = at::empty(x.sizes(), x.options());
  const std::int64_t heads = x.size(1);
  const std::int64_t width = x.size(2);
  const std::int64_t half = cos_TP.size(1);
  const std::int64_t stride = x.stride(0);
  at::parallel_for(
      0, x.size(0), grain(heads * width), [&](auto begin, auto end) {
        kernels().rotate(data(x) + begin * stride, data(cos_TP) + begin * half,
                         data(sin_TP) + begin * half, end - begin, heads, width,
                         half, stride, inverse,
                         mutable_data(y) + begin * heads * width);
      });
  return y;
}

class Rotate : public torch::autograd::Function<Rotate> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_TNH,
                            const at::Tensor& cos_TP,
                            const at::Tensor& sin_TP) {
    context->save_for_backward({cos_TP, sin_TP});
    return run_rotate(x_TNH, cos_TP, sin_TP, /*inverse=*/false);
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    return {run_rotate(gradients[0], saved[0], saved[1], /*inverse=*/true),
            at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    RmsNormKind kind) {
  if (!fused(x, weight)) {
    return x.is_cpu() ? plain::rms_norm(x, weight, eps, kind)
                      : card::rms_norm(x, weight, eps, kind);
  }
  const bool plus_one = kind == RmsNormKind::kPlusOne;
  const auto rows = x.contiguous();
  const auto scale = weight.contiguous();
  return records(x, weight) ? Norm::apply(rows, scale, eps, plus_one)
                            : run_norm(rows, scale, eps, plus_one, nullptr);
}

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up,
                 Activation activation) {
  if (!fused(gate, up) || activation != Activation::kSilu) {
    return !gate.is_cpu() && records(gate, up)
               ? card::gated(gate, up, activation)
               : plain::gated(gate, up, activation);
  }
  auto gate_rows = strided_rows(gate);
  auto up_rows = strided_rows(up);
  if (gate_rows.stride(0) != up_rows.stride(0)) {
    gate_rows = gate_rows.contiguous();
    up_rows = up_rows.contiguous();
  }
  return records(gate, up) ? Swiglu::apply(gate_rows, up_rows)
                           : run_swiglu(gate_rows, up_rows);
}

at::Tensor rotate(const at::Tensor& x_TNH, const RopeTable& table) {
  if (!fused(x_TNH, table.cos_TP, table.sin_TP)) {
    return table.turns_T122P.defined() ? card::rotate(x_TNH, table)
                                       : plain::rotate(x_TNH, table);
  }
  return records(x_TNH) ? Rotate::apply(x_TNH, table.cos_TP, table.sin_TP)
                        : run_rotate(x_TNH, table.cos_TP, table.sin_TP,
                                     /*inverse=*/false);
}

}  // namespace veer::ops
