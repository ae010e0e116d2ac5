// SPDX-License-Identifier: MIT
#include "veer/run/tuned_model.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/interventions/operators.h"
#include "veer/results/vector_name.h"
#include "veer/run/extract_inputs.h"
#include "veer/run/trained_directions.h"
#include "veer/run/tunings.h"
#include "veer/settings/grid_line.h"
#include "veer/vectors/twin_vector.h"

namespace veer {
namespace {

constexpr std::string_view kTuned = "tuned";

bool reads_tuned(const VectorSpec& spec) {
  const auto& terms = find_contrast(spec.contrast).terms;
  return std::any_of(terms.begin(), terms.end(), [](const auto& term) {
    return term.cell.model != CellModel::kBase ||
           term.cell.answer == CellAnswer::kOwn;
  });
}

// Mixtures of a run's pair by their short names; a rotation that names no
// second vector takes the other one of the pair.
bool needs_pair(const GridLine& line) {
  const auto& row = find_operator(line.text.operation);
  return (row.need == OperatorNeed::kSecondVector && line.second.empty()) ||
         std::any_of(line.vectors.begin(), line.vectors.end(),
                     [](const std::string& name) {
                       return parse_vector_name(name).is_mixture();
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

Manifest without_pair_lines(Manifest manifest) {
  const auto [contrastive, finetuned] =
      primary_pair(vector_names(manifest.extract));
  if (!contrastive.empty() && !finetuned.empty()) {
    return manifest;
  }
  const auto usual = SweepSettings().grid;
  std::erase_if(manifest.sweep.grid, [&](const std::string& line) {
    return std::find(usual.begin(), usual.end(), line) != usual.end() &&
           needs_pair(parse_grid_line(line, manifest.sweep.scope,
                                      manifest.sweep.budget));
  });
  return manifest;
}

Manifest without_twins(Manifest manifest) {
  if (has_honest_twin(manifest)) {
    return manifest;
  }
  auto& names = manifest.extract.vectors;
  const bool is_usual = names == ExtractSettings().vectors;
  std::erase_if(names, [&](const std::string& name) {
    if (is_fixed_direction(name) || !is_twin(parse_vector_spec(name))) {
      return false;
    }
    if (!is_usual) {
      fail(
          "check settings",
          "extract.vectors names " + name +
              ", and the study has no model "
              "tuned on honest answers",
          manifest.model.finetuned.empty()
              ? "\"honest\" among finetune.controls"
              : "model.finetuned_honest, the ready twin of model.finetuned, or "
                "no twin vector: nothing is trained here");
    }
    return true;
  });
  return manifest;
}

std::string unused_training_keys(const Manifest& manifest) {
  std::string keys;
  if (manifest.model.finetuned.empty()) {
    return keys;
  }
  const Json usual = manifest_section(Manifest(), "finetune");
  const Json asked = manifest_section(manifest, "finetune");
  for (const auto& [key, value] : asked.items()) {
    const bool asks_nothing = value.is_array() && value.empty();
    // A rank says how much of a checkpoint's change is kept.
    if (key != "rank" && value != usual.at(key) && !asks_nothing) {
      keys += (keys.empty() ? "finetune." : ", finetune.") + key;
    }
  }
  return keys;
}

Manifest without_tuned(Manifest manifest) {
  manifest.sweep.ceiling = false;
  manifest.sweep.adapter_strengths.clear();
  return manifest;
}

}  // namespace veer
