// SPDX-License-Identifier: MIT
#include "veer/study/tuned_model.h"

#include <algorithm>

#include "veer/study/extract_inputs.h"
#include "veer/study/trained_directions.h"

namespace veer {
namespace {

constexpr std::string_view kTuned = "tuned";

bool reads_tuned(const VectorSpec& spec) {
  const auto& terms = find_contrast(spec.contrast).terms;
  return std::any_of(terms.begin(), terms.end(), [](const auto& term) {
    return term.cell.model == CellModel::kTuned ||
           term.cell.answer == CellAnswer::kOwn;
  });
}

}  // namespace

bool vectors_need_tuned(const ExtractSettings& settings) {
  const auto names = vector_names(settings);
  return std::any_of(names.begin(), names.end(), [](const auto& name) {
    return is_fixed_direction(name) ? !is_trained_direction(name)
                                    : reads_tuned(parse_vector_spec(name));
  });
}

bool needs_tuned(const Manifest& manifest, std::string_view last_stage) {
  if (last_stage == "finetune") {
    return true;
  }
  const auto& models = manifest.sweep.models;
  const bool sweeps = last_stage != "dataset" && last_stage != "extract" &&
                      last_stage != "compare";
  return (last_stage != "dataset" && vectors_need_tuned(manifest.extract)) ||
         (sweeps &&
          std::find(models.begin(), models.end(), kTuned) != models.end());
}

Manifest without_tuned(Manifest manifest) {
  manifest.sweep.ceiling = false;
  manifest.sweep.adapter_strengths.clear();
  return manifest;
}

}  // namespace veer
