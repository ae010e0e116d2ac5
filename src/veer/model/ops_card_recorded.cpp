// SPDX-License-Identifier: MIT
#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include "veer/model/ops.h"

namespace veer::ops::card {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const char* approximation(Activation activation) {
  return activation == Activation::kGeluTanh ? "tanh" : "none";
}

at::Tensor activated(const at::Tensor& gate, Activation activation) {
  return activation == Activation::kSilu
             ? at::silu(gate)
             : at::gelu(gate, approximation(activation));
}

at::Tensor activated_backward(const at::Tensor& dy, const at::Tensor& gate,
                              Activation activation) {
  return activation == Activation::kSilu
             ? at::silu_backward(dy, gate)
             : at::gelu_backward(dy, gate, approximation(activation));
}

// torch's own record keeps act(gate) besides gate and up: a third more of what
// is most of a block's memory. Here it is computed again.
class Gated : public torch::autograd::Function<Gated> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate,
                            const at::Tensor& up, std::int64_t activation) {
    context->save_for_backward({gate, up});
    context->saved_data["activation"] = activation;
    return activated(gate, static_cast<Activation>(activation)).mul_(up);
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& dy = gradients[0];
    const auto activation =
        static_cast<Activation>(context->saved_data["activation"].toInt());
    return {activated_backward(dy * saved[1], saved[0], activation),
            activated(saved[0], activation).mul_(dy), at::Tensor()};
  }
};

}  // namespace

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up,
                 Activation activation) {
  return Gated::apply(gate, up, static_cast<std::int64_t>(activation));
}

}  // namespace veer::ops::card
