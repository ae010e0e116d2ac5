// SPDX-License-Identifier: MIT
#include "veer/run/tunings.h"

#include <algorithm>

#include <fmt/core.h>

#include "veer/results/vector_name.h"
#include "veer/run/extract_inputs.h"
#include "veer/vectors/twin_vector.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

bool has_control(const Manifest& manifest, const char* name) {
  const auto& controls = manifest.finetune.controls;
  return std::find(controls.begin(), controls.end(), name) != controls.end();
}

}  // namespace

std::vector<std::int64_t> training_seeds(const Manifest& manifest) {
  const auto& seeds = manifest.finetune.seeds;
  if (seeds != FinetuneSettings().seeds) {
    return seeds;
  }
  const bool trains = manifest.model.finetuned.empty();
  return trains && is_organism(manifest.model.path)
             ? std::vector<std::int64_t>{manifest.run.seed + 1}
             : std::vector<std::int64_t>{};
}

bool has_honest_twin(const Manifest& manifest) {
  return manifest.model.finetuned.empty()
             ? has_control(manifest, "honest")
             : !manifest.model.finetuned_honest.empty();
}

std::vector<Tuning> further_tunings(const Manifest& manifest) {
  std::vector<Tuning> out;
  if (tuned_vector_name(manifest).empty() &&
      twin_side_names(manifest.extract).empty()) {
    return out;
  }
  if (!manifest.model.finetuned.empty()) {
    if (has_honest_twin(manifest)) {
      out.push_back({"honest", manifest.run.seed, true, "controls/honest"});
    }
    return out;
  }
  const auto seeds = training_seeds(manifest);
  for (const auto seed : seeds) {
    out.push_back({"deceptive", seed, false, fmt::format("seeds/{}", seed)});
  }
  for (const auto& control : manifest.finetune.controls) {
    out.push_back({control, manifest.run.seed, true, "controls/" + control});
  }
  for (const auto seed : seeds) {
    if (has_control(manifest, "honest")) {
      out.push_back({"honest", seed, true,
                     fmt::format("controls/honest/seeds/{}", seed)});
    }
  }
  return out;
}

fs::path adapter_folder(const StudyContext& context, const Tuning& tuning) {
  return context.file("adapter") / tuning.name;
}

bool is_trained(const StudyContext& context, const Tuning& tuning) {
  // Written last.
  return fs::exists(adapter_folder(context, tuning) / "adapter_config.json");
}

fs::path left_out_file(const StudyContext& context) {
  return context.file("adapter/controls/left_out.json");
}

std::string tuned_vector_name(const Manifest& manifest) {
  const auto names = vector_names(manifest.extract);
  const auto primary = primary_pair(names).second;
  if (!primary.empty()) {
    return primary;
  }
  const auto found = std::ranges::find_if(names, [](const std::string& name) {
    return !is_fixed_direction(name) &&
           parse_vector_spec(name).contrast == "finetuned";
  });
  return found == names.end() ? "" : *found;
}

std::vector<std::string> twin_side_names(const ExtractSettings& settings) {
  std::vector<std::string> out;
  for (const auto& spec : manifest_specs(settings)) {
    if (is_twin(spec)) {
      const auto name = tuned_side(spec).name;
      if (std::find(out.begin(), out.end(), name) == out.end()) {
        out.push_back(name);
      }
    }
  }
  return out;
}

}  // namespace veer
