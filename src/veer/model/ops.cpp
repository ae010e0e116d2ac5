// SPDX-License-Identifier: MIT
#include "veer/model/ops.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
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

bool fused(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat;
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

class Norm : public torch::autograd::Function<Norm> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_in,
                            const at::Tensor& weight_in, double eps,
                            bool plus_one) {
    const auto x = x_in.contiguous();
    const auto weight = weight_in.contiguous();
    const std::int64_t width = x.size(-1);
    const std::int64_t rows = x.numel() / width;
    auto y = at::empty_like(x);
    auto rstd = at::empty({rows}, x.options());
    at::parallel_for(0, rows, grain(width), [&](auto begin, auto end) {
      kernels().norm(data(x) + begin * width, data(weight), end - begin, width,
                     static_cast<float>(eps), plus_one,
                     mutable_data(y) + begin * width,
                     mutable_data(rstd) + begin);
    });
    context->save_for_backward({x, weight, rstd});
    context->saved_data["plus_one"] = plus_one;
    return y;
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

class Swiglu : public torch::autograd::Function<Swiglu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate_in,
                            const at::Tensor& up_in) {
    auto gate = strided_rows(gate_in);
    auto up = strided_rows(up_in);
    if (gate.stride(0) != up.stride(0)) {
      gate = gate.contiguous();
      up = up.contiguous();
    }
    auto y = at::empty(gate.sizes(), gate.options());
    run(gate, [&](std::int64_t first, std::int64_t count, std::int64_t width,
                  std::int64_t stride) {
      kernels().swiglu(data(gate) + first * stride, data(up) + first * stride,
                       count, width, stride, mutable_data(y) + first * width);
    });
    context->save_for_backward({gate, up});
    return y;
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto dy = gradients[0].contiguous();
    auto dgate = at::empty(dy.sizes(), dy.options());
    auto dup = at::empty(dy.sizes(), dy.options());
    run(saved[0], [&](std::int64_t first, std::int64_t count,
                      std::int64_t width, std::int64_t stride) {
      kernels().swiglu_backward(data(saved[0]) + first * stride,
                                data(saved[1]) + first * stride,
                                data(dy) + first * width, count, width, stride,
                                mutable_data(dgate) + first * width,
                                mutable_data(dup) + first * width);
    });
    return {dgate, dup};
  }

 private:
  template <class Body>
  static void run(const at::Tensor& gate, const Body& body) {
    const std::int64_t width = gate.size(1);
    const std::int64_t stride = gate.stride(0);
    at::parallel_for(
        0, gate.size(0), grain(4 * width),
        [&](auto begin, auto end) { body(begin, end - begin, width, stride); });
  }
};

class Rotate : public torch::autograd::Function<Rotate> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_TNH,
                            const at::Tensor& cos_TP,
                            const at::Tensor& sin_TP) {
    context->save_for_backward({cos_TP, sin_TP});
    return run(x_TNH, cos_TP, sin_TP, /*inverse=*/false);
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    return {run(gradients[0], saved[0], saved[1], /*inverse=*/true),
            at::Tensor(), at::Tensor()};
  }

 private:
  static at::Tensor run(const at::Tensor& in_TNH, const at::Tensor& cos_TP,
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
          kernels().rotate(
              data(x) + begin * stride, data(cos_TP) + begin * half,
              data(sin_TP) + begin * half, end - begin, heads, width, half,
              stride, inverse, mutable_data(y) + begin * heads * width);
        });
    return y;
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps,
                    bool plus_one) {
  return fused(x) ? Norm::apply(x, weight, eps, plus_one)
                  : plain::rms_norm(x, weight, eps, plus_one);
}

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up,
                 Activation activation) {
  return fused(gate) && activation == Activation::kSilu && gate.dim() == 2
             ? Swiglu::apply(gate, up)
             : plain::gated(gate, up, activation);
}

at::Tensor rotate(const at::Tensor& x_TNH, const RopeTable& table) {
  return fused(x_TNH) ? Rotate::apply(x_TNH, table.cos_TP, table.sin_TP)
                      : plain::rotate(x_TNH, table);
}

}  // namespace veer::ops
