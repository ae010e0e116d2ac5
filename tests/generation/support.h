// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include "model/tiny_models.h"
#include "veer/generation/generate.h"
#include "veer/interventions/intervention.h"
#include "veer/interventions/table.h"
#include "veer/model/transformer.h"

namespace veer::testing {

inline SteeringInput random_input(const ModelConfig& config,
                                  std::uint64_t seed) {
  Random random(seed);
  SteeringInput input;
  input.name = "random";
  input.directions_LD =
      random_tensor({config.num_layers, config.width}, random);
  return input;
}

// A configuration of one operator; returns its index.
inline std::int64_t add_to(InterventionTable& table, const ModelConfig& config,
                           const char* operation, double scale,
                           std::int64_t layer, const char* scope,
                           std::uint64_t seed = 1) {
  Intervention wish;
  wish.operation = operation;
  wish.scale = scale;
  wish.layers = {layer};
  wish.scope = parse_scope(scope);
  return table.add(
      compile(wish, random_input(config, seed), config.num_layers));
}

// A configuration under which states are infinite from layer 1 on, whatever the
// dtype; returns its index.
inline std::int64_t add_overflow(InterventionTable& table,
                                 const ModelConfig& config,
                                 const char* scope = "all") {
  Intervention wish;
  wish.unit = ScaleUnit::kUnit;
  wish.scale = 3e38;  // four times that is infinite in fp32
  wish.layers = {1};
  wish.scope = parse_scope(scope);
  const auto edits = compile(wish, random_input(config, 1), config.num_layers);
  return table.add({edits[0], edits[0], edits[0], edits[0]});
}

// The residual stream of one text by one whole forward pass: no cache, no other
// rows. `prompt_length` tokens of it are the prompt.
inline at::Tensor whole_pass(const Transformer& model, InterventionTable* table,
                             const std::vector<std::int32_t>& text,
                             std::int64_t prompt_length,
                             std::int64_t configuration, double strength) {
  const at::NoGradGuard no_grad;
  const RowBinding row{configuration, prompt_length, -1};
  ResidualHook* const hook = table;
  ForwardOptions options;
  options.adapter.uniform = strength;
  if (table != nullptr) {
    table->bind({&row, 1});
    options.hooks = HookList(&hook, 1);
  }
  return model.forward(pack({&text, 1}), options);
}

// Log-probabilities of the token behind each of prompt and answer, the same
// way.
inline at::Tensor whole_log_probs(const Transformer& model,
                                  InterventionTable* table,
                                  const std::vector<std::int32_t>& prompt,
                                  const std::vector<std::int32_t>& answer,
                                  std::int64_t configuration, double strength) {
  const at::NoGradGuard no_grad;
  auto text = prompt;
  text.insert(text.end(), answer.begin(), answer.end());
  return model
      .logits(whole_pass(model, table, text, std::ssize(prompt), configuration,
                         strength),
              {.uniform = strength})
      .log_softmax(-1);
}

// Greedy continuation by whole forward passes: no cache, one text, no tricks.
// The reference that generation is held against.
inline std::vector<std::int32_t> continue_plainly(
    const Transformer& model, InterventionTable* table,
    const GenerationRequest& request, const std::vector<std::int32_t>& stop_ids,
    double repetition_penalty = 1.0) {
  const at::NoGradGuard no_grad;
  auto text = request.prompt;
  std::vector<std::int32_t> answer;
  for (std::int64_t i = 0; i < request.max_tokens; ++i) {
    const auto hidden =
        whole_pass(model, table, text, std::ssize(request.prompt),
                   request.configuration, request.adapter_strength);
    auto logits = model
                      .logits(hidden.narrow(0, hidden.size(0) - 1, 1),
                              {.uniform = request.adapter_strength})
                      .clone();
    if (repetition_penalty != 1.0) {
      for (const auto id : std::set<std::int32_t>(text.begin(), text.end())) {
        auto logit = logits[0][id];
        logit.copy_(logit.item<float>() < 0 ? logit * repetition_penalty
                                            : logit / repetition_penalty);
      }
    }
    const auto next =
        static_cast<std::int32_t>(logits.argmax(-1).item<std::int64_t>());
    if (std::ranges::find(stop_ids, next) != stop_ids.end()) {
      break;
    }
    answer.push_back(next);
    text.push_back(next);
  }
  return answer;
}

}  // namespace veer::testing
