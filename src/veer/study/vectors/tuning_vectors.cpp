// SPDX-License-Identifier: MIT
#include "veer/study/vectors/tuning_vectors.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/run/extract_inputs.h"
#include "veer/study/vectors/stages.h"
#include "veer/train/adapter_files.h"
#include "veer/vectors/extract.h"
#include "veer/vectors/twin_vector.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

// Whether this is the fine-tune whose vectors the twins subtract.
bool is_honest_twin(const Tuning& tuning, const Manifest& manifest) {
  return tuning.answers == "honest" && tuning.seed == manifest.run.seed;
}

// Vectors that are read in a tuning.
std::vector<std::string> vectors_of(const Tuning& tuning,
                                    const Manifest& manifest) {
  std::vector<std::string> names;
  const auto add = [&names](const std::string& name) {
    if (!name.empty() &&
        std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  };
  add(tuned_vector_name(manifest));
  if (is_honest_twin(tuning, manifest)) {
    for (const auto& name : twin_side_names(manifest.extract)) {
      add(name);
    }
  }
  return names;
}

fs::path rows_of(const StudyContext& context, const Tuning& tuning,
                 const std::string& vector) {
  return rows_file(context, vector_name_of(tuning, vector));
}

// Each vector is written before its rows: with these there, both are.
bool is_extracted(const StudyContext& context, const Tuning& tuning) {
  return std::ranges::all_of(
      vectors_of(tuning, context.manifest()), [&](const std::string& name) {
        return fs::exists(rows_of(context, tuning, name));
      });
}

void extract_one(StudyContext& context, const Tuning& tuning) {
  std::vector<VectorSpec> specs;
  for (const auto& name : vectors_of(tuning, context.manifest())) {
    specs.push_back(parse_vector_spec(name));
  }
  context.model().detach();
  context.model().attach(
      read_adapter(adapter_folder(context, tuning), context.model()));
  const auto made = extract_vectors(
      context.model(), context.format(), extract_items(context, specs), specs,
      extract_options(context), context.monitor());
  for (std::size_t v = 0; v < specs.size(); ++v) {
    SteeringVector vector = made.vectors[v];
    vector.model = context.manifest().model.path;
    if (context.manifest().model.finetuned.empty()) {
      vector.facts["training_seed"] = std::to_string(tuning.seed);
    }
    vector.facts["trained_on"] = tuning.answers + " answers";
    const auto name = vector_name_of(tuning, specs[v].name);
    write_steering_vector(vector_file(context, name), vector);
    write_vector_rows(rows_file(context, name), made.rows[v]);
  }
}

Json fingerprints(const StudyContext& context, bool of_vectors) {
  Json out = Json::object();
  for (const auto& tuning : further_tunings(context.manifest())) {
    if (!is_trained(context, tuning)) {
      continue;
    }
    std::vector<fs::path> files;
    if (of_vectors) {
      for (const auto& name : vectors_of(tuning, context.manifest())) {
        files.push_back(rows_of(context, tuning, name));
      }
    } else {
      files.push_back(adapter_folder(context, tuning) /
                      "adapter_model.safetensors");
    }
    Json own = Json::array();
    for (const auto& file : files) {
      own.push_back(fs::exists(file) ? fingerprint_file(file.string()) : "");
    }
    out[tuning.name] = own;
  }
  return out.empty() ? Json(nullptr) : out;
}

const ComparedVector& side_named(std::span<const ComparedVector> sides,
                                 const std::string& name) {
  const auto found = std::ranges::find_if(
      sides, [&](const auto& side) { return side.vector.name == name; });
  if (found == sides.end()) {
    fail("make twin vector", "no vector " + name, "the rows of both sides");
  }
  return *found;
}

}  // namespace

std::string vector_name_of(const Tuning& tuning, const std::string& vector) {
  return tuning.name + "/" + vector;
}

void extract_tunings(StudyContext& context) {
  const auto tunings = further_tunings(context.manifest());
  for (const auto& tuning : tunings) {
    if (is_trained(context, tuning) && !is_extracted(context, tuning)) {
      extract_one(context, tuning);
    }
  }
  if (!tunings.empty()) {
    context.model().detach();
    context.attach_adapter();
  }
}

bool tunings_present(const StudyContext& context) {
  return std::ranges::all_of(
      further_tunings(context.manifest()), [&](const Tuning& tuning) {
        return !is_trained(context, tuning) || is_extracted(context, tuning);
      });
}

std::vector<SteeringVector> write_twins(StudyContext& context,
                                        std::span<const ComparedVector> sides) {
  const auto& manifest = context.manifest();
  const auto tunings = further_tunings(manifest);
  const auto honest = std::ranges::find_if(tunings, [&](const auto& tuning) {
    return is_honest_twin(tuning, manifest);
  });
  std::vector<SteeringVector> out;
  for (const auto& spec : manifest_specs(manifest.extract)) {
    if (!is_twin(spec)) {
      continue;
    }
    if (honest == tunings.end()) {
      fail("make twin vector", spec.name + " without an honest twin",
           "\"honest\" among finetune.controls");
    }
    const auto side = tuned_side(spec).name;
    const auto options = extract_options(context);
    const auto twin = twin_vector(
        spec, side_named(sides, side),
        load_compared(context, vector_name_of(*honest, side)), options.method);
    write_vector_rows(rows_file(context, spec.name), twin.rows);
    write_steering_vector(vector_file(context, spec.name), twin.vector);
    out.push_back(twin.vector);
  }
  return out;
}

Json tuned_adapters_fingerprint(const StudyContext& context) {
  return fingerprints(context, /*of_vectors=*/false);
}

Json tuned_vectors_fingerprint(const StudyContext& context) {
  return fingerprints(context, /*of_vectors=*/true);
}

}  // namespace veer
