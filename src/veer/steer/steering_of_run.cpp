// SPDX-License-Identifier: MIT
#include "veer/steer/steering_of_run.h"

#include <algorithm>
#include <system_error>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json_access.h"
#include "veer/interventions/operators.h"
#include "veer/results/effect_verdict.h"
#include "veer/results/leading_effect.h"
#include "veer/settings/manifest.h"

namespace veer {

namespace fs = std::filesystem;

std::string model_of_run(const fs::path& run, const std::string& model) {
  if (!run.empty() && !fs::exists(run)) {
    fail("steer", fmt::format("there is no {}", run.string()), "a run folder",
         "a mistyped --run");
  }
  if (!model.empty()) {
    return model;
  }
  const fs::path manifest = run / "manifest.toml";
  if (!run.empty() && !fs::exists(manifest)) {
    fail("steer", fmt::format("{} has no manifest.toml", run.string()),
         "a run folder", "a mistyped --run");
  }
  if (run.empty()) {
    return ModelSettings{}.path;
  }
  const Manifest settings = load_manifest(manifest, {});
  require_one_model(settings, "steer");
  return settings.model.path;
}

std::string vars_of_run(const fs::path& run, const std::string& asked) {
  const fs::path manifest = run / "manifest.toml";
  if (!asked.empty() || run.empty() || !fs::exists(manifest)) {
    return asked;
  }
  return load_manifest(manifest, {}).model.template_vars;
}

std::vector<std::string> vectors_of_run(const fs::path& run) {
  std::vector<std::string> names;
  std::error_code ec;
  if (!run.empty()) {
    for (const auto& entry : fs::directory_iterator(run / "vectors", ec)) {
      if (entry.path().extension() == ".safetensors") {
        names.push_back(entry.path().stem().string());
      }
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path adapter_of_run(const fs::path& run, const fs::path& adapter) {
  const bool has_own = adapter.empty() && !run.empty() &&
                       fs::exists(run / "adapter/adapter_config.json");
  return has_own ? run / "adapter" : adapter;
}

std::optional<BestOfRun> best_of_run(const fs::path& run,
                                     std::string_view model,
                                     std::string_view vector) {
  const fs::path path = run / "summary.json";
  if (run.empty() || !fs::exists(path)) {
    return std::nullopt;
  }
  const Json summary = parse_json(read_file(path), path.string());
  const auto ranked =
      ranked_effects(member(summary, "best"), member(summary, "additions"),
                     model == "tuned" ? "suppression" : "induction");
  const auto found = std::ranges::find_if(ranked, [&](const Json* entry) {
    return member(member(*entry, "effect"), "value").is_number() &&
           (vector.empty() || string_member(*entry, "vector") == vector);
  });
  if (found == ranked.end()) {
    return std::nullopt;
  }
  const Json* best = *found;
  SteeringSettings settings;
  settings.model = model;
  settings.vector = best->at("vector").get<std::string>();
  auto& act = settings.act;
  act.operation = best->at("operator").get<std::string>();
  act.layers = best->at("layers").get<std::string>();
  act.scale = best->at("scale").get<double>();
  act.scope = best->value("scope", act.scope);
  if (find_operator(act.operation).takes_unit) {
    act.unit = best->at("unit").get<std::string>();
  }
  // A negative scale suppresses, in one word less.
  if (act.operation == "subtract") {
    act.operation = "add";
    act.scale = -act.scale;
  }
  return BestOfRun{settings,
                   works(*best) ? "" : string_member(*best, "reason")};
}

}  // namespace veer
