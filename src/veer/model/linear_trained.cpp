// SPDX-License-Identifier: MIT
#include "veer/model/linear_trained.h"

#include <optional>
#include <tuple>

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "veer/model/dropout.h"

namespace veer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What does not change between the two directions.
struct Recipe : torch::CustomClassHolder {
  at::Tensor weight_OI;
  TrainedPass pass;
  double factor = 1.0;  // of B A over the elements that stay

  at::Tensor left_of(const at::Tensor& x_TI) const {
    return pass.dropout > 0.0
               ? x_TI * kept_elements(x_TI, pass.dropout, pass.dropout_seed)
               : x_TI;
  }
};

// fp32, or whatever the product has anyway.
at::Tensor wide_product(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == at::kHalf || a.scalar_type() == at::kBFloat16
             ? at::mm(a, b, at::kFloat)
             : at::mm(a, b);
}

struct Forward {
  at::Tensor y_TO;
  at::Tensor low_TR;  // factor A' x
  at::Tensor A_RI;    // factor A, in x's dtype
  at::Tensor B_OR;    // in x's dtype
};

Forward run(const at::Tensor& x_TI, const at::Tensor& bias_O,
            const at::Tensor& A_RI, const at::Tensor& B_OR,
            const Recipe& recipe) {
  Forward out;
  out.y_TO = bias_O.defined() ? at::linear(x_TI, recipe.weight_OI, bias_O)
                              : at::linear(x_TI, recipe.weight_OI);
  // One launch that multiplies and rounds.
  out.A_RI = at::empty(A_RI.sizes(), x_TI.options());
  at::mul_out(out.A_RI, A_RI.detach(), at::scalar_tensor(recipe.factor));
  out.B_OR = B_OR.detach().to(x_TI.scalar_type());
  out.low_TR = at::mm(recipe.left_of(x_TI), out.A_RI.t());
  out.y_TO.addmm_(out.low_TR, out.B_OR.t());
  return out;
}

class LinearTrained : public torch::autograd::Function<LinearTrained> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_TI,
                            const at::Tensor& A_RI, const at::Tensor& B_OR,
                            const std::optional<at::Tensor>& bias_O,
                            const c10::intrusive_ptr<Recipe>& recipe) {
    auto out = run(x_TI, bias_O.value_or(at::Tensor()), A_RI, B_OR, *recipe);
    context->save_for_backward({x_TI, out.low_TR, out.A_RI, out.B_OR});
    context->saved_data["recipe"] = c10::IValue::make_capsule(recipe);
    return out.y_TO;
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& [x_TI, low_TR, A_RI, B_OR] =
        std::tie(saved[0], saved[1], saved[2], saved[3]);
    const auto capsule = context->saved_data["recipe"].toCapsule();
    const auto& recipe = *static_cast<const Recipe*>(capsule.get());
    const auto& dy_TO = gradients[0];
    // factor dy B: with beta 0 what is added to is not read.
    const auto dlow_TR = at::addmm(at::empty_like(low_TR), dy_TO, B_OR,
                                   /*beta=*/0.0, /*alpha=*/recipe.factor);
    const auto dB_OR = wide_product(dy_TO.t(), low_TR);
    const auto dA_RI = wide_product(dlow_TR.t(), recipe.left_of(x_TI));
    at::Tensor dx_TI;
    if (context->needs_input_grad(0)) {
      dx_TI = input_gradient(dy_TO, dlow_TR, A_RI, x_TI, recipe);
    }
    return {dx_TI, dA_RI, dB_OR, at::Tensor(), at::Tensor()};
  }

 private:
  static at::Tensor input_gradient(const at::Tensor& dy_TO,
                                   const at::Tensor& dlow_TR,
                                   const at::Tensor& A_RI,
                                   const at::Tensor& x_TI,
                                   const Recipe& recipe) {
    auto dx_TI = at::mm(dy_TO, recipe.weight_OI);
    // The factor is in both.
    const double once = 1.0 / recipe.factor;
    if (recipe.pass.dropout > 0.0) {
      const auto through_TI =
          at::addmm(at::empty_like(x_TI), dlow_TR, A_RI, 0.0, once);
      return dx_TI.addcmul_(
          through_TI,
          kept_elements(x_TI, recipe.pass.dropout, recipe.pass.dropout_seed));
    }
    return dx_TI.addmm_(dlow_TR, A_RI, 1.0, once);
  }
};

}  // namespace

at::Tensor linear_trained(const at::Tensor& x_TI, const at::Tensor& weight_OI,
                          const at::Tensor& bias_O, const LoraPair& pair,
                          const TrainedPass& pass) {
  const auto recipe = c10::make_intrusive<Recipe>();
  recipe->weight_OI = weight_OI;
  recipe->pass = pass;
  recipe->factor = pass.strength * pair.scale / (1.0 - pass.dropout);
  if (!c10::GradMode::is_enabled()) {
    return run(x_TI, bias_O, pair.A_RI, pair.B_OR, *recipe).y_TO;
  }
  return LinearTrained::apply(
      x_TI, pair.A_RI, pair.B_OR,
      bias_O.defined() ? std::optional(bias_O) : std::nullopt, recipe);
}

}  // namespace veer
