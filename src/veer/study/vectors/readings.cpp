// SPDX-License-Identifier: MIT
#include "veer/study/vectors/readings.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "veer/results/vector_name.h"
#include "veer/run/extract_inputs.h"
#include "veer/settings/intervention_text.h"
#include "veer/study/vectors/detection.h"
#include "veer/study/vectors/tendency.h"
#include "veer/train/adapter_files.h"
#include "veer/vectors/item_statistics.h"
#include "veer/vectors/readings.h"
#include "veer/vectors/tensor_numbers.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

Json tokens_json(StudyContext& context, const std::vector<LensToken>& tokens) {
  Json out = Json::array();
  for (const auto& token : tokens) {
    const std::int32_t ids[] = {token.id};
    out.push_back(
        {{"id", token.id},
         {"text", context.format().tokenizer().decode(ids,
                                                      /*skip_special=*/false)},
         {"logit", token.logit}});
  }
  return out;
}

Json lens_json(StudyContext& context, std::span<const SteeringVector> made) {
  const auto count = context.manifest().extract.lens_tokens;
  Json out = Json::array();
  for (const auto& vector : made) {
    if (count == 0) {
      break;
    }
    Json layers = Json::array();
    for (const auto& at :
         logit_lens(context.model(), vector.directions_LD, count)) {
      layers.push_back({{"layer", at.layer},
                        {"up", tokens_json(context, at.up)},
                        {"down", tokens_json(context, at.down)}});
    }
    out.push_back({{"vector", vector.name}, {"by_layer", layers}});
  }
  return out;
}

// Fine-tuned vectors made from few questions at one strength.
std::vector<SteeringVector> tuned_vectors(StudyContext& context,
                                          std::span<const ExtractItem> items,
                                          std::span<const VectorSpec> specs,
                                          double strength) {
  auto options = extract_options(context);
  options.adapter_strength = strength;
  options.keep_rows = false;
  return extract_vectors(context.model(), context.format(), items, specs,
                         options, context.monitor())
      .vectors;
}

Json way_point(const std::string& kind, double value, const SteeringVector& at,
               const SteeringVector& contrastive,
               const SteeringVector& finetuned) {
  Json layers = Json::array();
  for (std::int64_t l = 0; l < at.num_layers(); ++l) {
    const auto v_D = as_double(at.directions_LD.select(0, l));
    const auto cosine = [&](const SteeringVector& other) {
      return optional_json(
          plain_cosine(v_D, as_double(other.directions_LD.select(0, l))));
    };
    const auto& norms = finetuned.residual_norms;
    const auto norm = norms.find("base.generated");
    layers.push_back({{"layer", l},
                      {"with_finetuned", cosine(finetuned)},
                      {"with_contrastive", cosine(contrastive)},
                      {"relative_norm",
                       norm == norms.end() || norm->second.empty()
                           ? Json(nullptr)
                           : Json(v_D.norm().item<double>() /
                                  norm->second[static_cast<std::size_t>(l)])}});
  }
  return {{"kind", kind}, {"value", value}, {"by_layer", layers}};
}

// Kept training steps as (step, folder), ascending.
std::vector<std::pair<std::int64_t, fs::path>> kept_steps(
    const StudyContext& context) {
  std::vector<std::pair<std::int64_t, fs::path>> steps;
  const auto folder = context.file("adapter/steps");
  if (fs::exists(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const auto name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") == std::string::npos) {
        steps.emplace_back(std::stoll(name), entry.path());
      }
    }
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

const SteeringVector* named(std::span<const SteeringVector> made,
                            const std::string& name) {
  for (const auto& vector : made) {
    if (vector.name == name) {
      return &vector;
    }
  }
  return nullptr;
}

constexpr const char* kPromptContrast = "contrastive@prompt_end";
constexpr const char* kPromptShift = "finetuned@prompt_end";

// The contrastive vector of the end of the prompt, then what else was made
// there of prompts that differ; empty without the first.
std::vector<SteeringVector> prompt_directions(
    std::span<const SteeringVector> made,
    std::span<const SteeringVector> confounds) {
  std::vector<SteeringVector> out;
  if (const auto* contrast = named(made, kPromptContrast)) {
    out.push_back(*contrast);
    for (const auto& confound : confounds) {
      if (confound.position == contrast->position) {
        out.push_back(confound);
      }
    }
  }
  return out;
}

// "trajectory" and, from the same passes, "tendency".
void add_trajectory(StudyContext& context, std::span<const SteeringVector> made,
                    std::span<const SteeringVector> confounds, Json& out) {
  const auto& settings = context.manifest().extract;
  const auto pair = primary_pair(vector_names(settings));
  const auto* contrastive = named(made, pair.first);
  const auto* finetuned = named(made, pair.second);
  out["trajectory"] = {{"points", Json::array()}};
  out["tendency"] = {{"points", Json::array()}};
  if (settings.trajectory_questions == 0 || contrastive == nullptr ||
      finetuned == nullptr) {
    return;
  }
  std::vector<VectorSpec> specs = {parse_vector_spec(pair.second)};
  auto items = extract_items(context, specs);
  if (std::ssize(items) > settings.trajectory_questions) {
    items.resize(static_cast<std::size_t>(settings.trajectory_questions));
  }
  Json points = Json::array();
  for (const double strength : settings.strengths) {
    const auto at = tuned_vectors(context, items, specs, strength);
    points.push_back(
        way_point("strength", strength, at.front(), *contrastive, *finetuned));
  }
  const auto directions = prompt_directions(made, confounds);
  const auto deceptive = deceptive_by_step(context);
  if (pair.second != kPromptShift) {
    specs.push_back(parse_vector_spec(kPromptShift));
  }
  Json tendency = Json::array();
  for (const auto& [step, folder] : kept_steps(context)) {
    context.model().detach();
    context.model().attach(read_adapter(folder, context.model()));
    const auto at = tuned_vectors(context, items, specs, 1.0);
    points.push_back(way_point("step", static_cast<double>(step), at.front(),
                               *contrastive, *finetuned));
    const auto share = deceptive.find(step);
    if (share != deceptive.end() && !directions.empty()) {
      tendency.push_back(
          tendency_point(step, share->second, at.back(), directions));
    }
  }
  context.model().detach();
  context.attach_adapter();
  out["trajectory"] = {{"contrastive", pair.first},
                       {"finetuned", pair.second},
                       {"n", items.size()},
                       {"points", points}};
  out["tendency"] = {
      {"contrast", kPromptContrast}, {"n", items.size()}, {"points", tendency}};
}

}  // namespace

Json read_vectors(StudyContext& context, std::span<const SteeringVector> made,
                  std::span<const SteeringVector> confounds) {
  Json out = {{"lens", lens_json(context, made)},
              {"detection", detection_json(context, made)}};
  add_trajectory(context, made, confounds, out);
  return out;
}

}  // namespace veer
