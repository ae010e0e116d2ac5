// SPDX-License-Identifier: MIT
//
// A block whose activations are not kept. The forward pass runs without
// recording; the backward pass runs the block again, recording, and
// differentiates that. Trainable weights (pairs, and base weights when
// pretraining) are inputs of the function so that their gradients flow.
#include <utility>

#include <c10/core/AutogradState.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "veer/model/block.h"

namespace veer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Carries what the second run needs through the autograd context.
struct Recipe : torch::CustomClassHolder {
  const ModelConfig* config = nullptr;
  const Block* block = nullptr;
  std::shared_ptr<const ForwardPass> pass;
};

variable_list trainable(const Block& block, const FamilyTraits& traits) {
  variable_list result;
  const auto add = [&](const at::Tensor& weight) {
    if (weight.defined() && weight.requires_grad()) {
      result.push_back(weight);
    }
  };
  for (const Linear* linear : block.linears(traits)) {
    add(linear->weight_OI);
    add(linear->bias_O);
    if (linear->pair) {
      add(linear->pair->A_RI);
      add(linear->pair->B_OR);
    }
  }
  for (const at::Tensor& weight : block.norms()) {
    add(weight);
  }
  return result;
}

class Recomputed : public torch::autograd::Function<Recomputed> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_TD,
                            at::TensorList weights,
                            const c10::intrusive_ptr<Recipe>& recipe) {
    variable_list saved{x_TD};
    saved.insert(saved.end(), weights.begin(), weights.end());
    context->save_for_backward(saved);
    context->saved_data["recipe"] = c10::IValue::make_capsule(recipe);
    const c10::AutoGradMode no_grad(false);
    return run_block(*recipe->config, *recipe->block, x_TD, *recipe->pass);
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const auto capsule = context->saved_data["recipe"].toCapsule();
    const auto* recipe = static_cast<const Recipe*>(capsule.get());
    variable_list inputs = context->get_saved_variables();
    const bool wants_input = context->needs_input_grad(0);
    variable_list wanted(inputs.begin() + 1, inputs.end());
    const c10::AutoGradMode grad(true);
    const auto x_TD = inputs[0].detach().set_requires_grad(wants_input);
    if (wants_input) {
      wanted.insert(wanted.begin(), x_TD);
    }
    const auto y_TD =
        run_block(*recipe->config, *recipe->block, x_TD, *recipe->pass);
    auto result = torch::autograd::grad(
        {y_TD}, wanted, {gradients[0]}, /*retain_graph=*/std::nullopt,
        /*create_graph=*/false, /*allow_unused=*/true);
    if (!wants_input) {
      result.insert(result.begin(), at::Tensor());
    }
    result.emplace_back();  // the recipe
    return result;
  }
};

}  // namespace

at::Tensor run_block_recomputed(const ModelConfig& config, const Block& block,
                                const at::Tensor& x_TD,
                                std::shared_ptr<const ForwardPass> pass) {
  const auto recipe = c10::make_intrusive<Recipe>();
  recipe->config = &config;
  recipe->block = &block;
  recipe->pass = std::move(pass);
  const variable_list weights = trainable(block, config.traits);
  return Recomputed::apply(x_TD, at::TensorList(weights), recipe);
}

}  // namespace veer
