// SPDX-License-Identifier: MIT
#include "veer/vectors/extract_plan.h"

#include <algorithm>

#include "veer/base/error.h"
#include "veer/text/chat/chat_format.h"

namespace veer {
namespace {

bool needs_answer(TokenPosition position) {
  return !position.in_prompt();
}

// Puts a reading inside the prompt on a pass of the same model and system
// prompt that is made anyway, if there is one.
Cell serving_pass(const std::set<Cell>& passes, Cell cell) {
  if (cell.answer != CellAnswer::kNone || passes.contains(cell)) {
    return cell;
  }
  for (const Cell& pass : passes) {
    if (pass.model == cell.model && pass.system == cell.system) {
      return pass;
    }
  }
  return cell;
}

ExtractPlan make_plan(std::span<const VectorSpec> specs, bool has_adapter) {
  ExtractPlan plan;
  const auto terms_of = [](const VectorSpec& spec) {
    auto terms = contrast_at(find_contrast(spec.contrast), spec.position);
    return spec.method == "mean_centred" ? against_corpus(std::move(terms))
                                         : terms;
  };
  // Residual norms are read on plain texts of each model.
  plan.passes.insert(
      {CellModel::kBase, CellSystem::kNone, CellAnswer::kHonest});
  if (has_adapter) {
    plan.passes.insert(
        {CellModel::kTuned, CellSystem::kNone, CellAnswer::kHonest});
  }
  for (const auto& spec : specs) {
    for (const auto& term : terms_of(spec)) {
      if (needs_answer(spec.position)) {
        plan.passes.insert(term.cell);
      }
    }
  }
  for (const auto& spec : specs) {
    ExtractPlan::Vector vector{spec, {}};
    for (const auto& term : terms_of(spec)) {
      const Cell pass = serving_pass(plan.passes, term.cell);
      plan.passes.insert(pass);
      plan.positions[pass].insert(spec.position);
      vector.terms.push_back({{pass, spec.position, spec.point}, term.weight});
    }
    if (std::find(plan.points.begin(), plan.points.end(), spec.point) ==
        plan.points.end()) {
      plan.points.push_back(spec.point);
    }
    plan.vectors.push_back(std::move(vector));
  }
  return plan;
}

void check_plan(const ExtractPlan& plan, const Transformer& model,
                const ExtractOptions& options) {
  for (const Cell& pass : plan.passes) {
    if (pass.model == CellModel::kTunedHonest) {
      fail(
          "extract vectors", "twin, a vector of two adapters",
          "a contrast of one model and its adapter",
          "it is made by a study, of the vector \"finetuned\" of each adapter");
    }
    if (pass.model == CellModel::kTuned && !model.has_adapter()) {
      fail("extract vectors", "a vector of the fine-tuned model, no adapter",
           "a model with its adapter attached", "finetune has not run");
    }
    if ((pass.system == CellSystem::kHonest && options.honest_prompt.empty()) ||
        (pass.system == CellSystem::kDeceptive &&
         options.deceptive_prompt.empty())) {
      fail("extract vectors", "an empty system prompt",
           "honest_prompt and deceptive_prompt for contrastive vectors");
    }
  }
  if (options.honest_prompt == options.deceptive_prompt &&
      !options.honest_prompt.empty()) {
    fail("extract vectors", "identical system prompts on both sides",
         "prompts that differ");
  }
}

}  // namespace

ExtractPlan make_extract_plan(std::span<const VectorSpec> specs,
                              const Transformer& model,
                              const ExtractOptions& options) {
  auto plan = make_plan(specs, model.has_adapter());
  check_plan(plan, model, options);
  return plan;
}

}  // namespace veer
