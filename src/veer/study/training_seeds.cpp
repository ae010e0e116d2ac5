// SPDX-License-Identifier: MIT
#include "veer/study/training_seeds.h"

#include <string>

#include <nlohmann/json.hpp>

#include "veer/base/hash.h"
#include "veer/study/extract_inputs.h"
#include "veer/study/vector_names.h"
#include "veer/study/vector_stages.h"
#include "veer/train/adapter_files.h"
#include "veer/vectors/extract.h"
#include "veer/vectors/seed_agreement.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

const std::vector<std::int64_t>& further_seeds(const StudyContext& context) {
  return context.manifest().finetune.seeds;
}

std::pair<std::string, std::string> primary_of(const StudyContext& context) {
  return primary_pair(vector_names(context.manifest().extract));
}

std::string vector_name(std::int64_t seed) {
  return "seeds/" + std::to_string(seed);
}

Json fingerprints(const StudyContext& context,
                  fs::path (*file)(const StudyContext&, std::int64_t)) {
  if (further_seeds(context).empty()) {
    return nullptr;
  }
  Json out = Json::object();
  for (const auto seed : further_seeds(context)) {
    const auto path = file(context, seed);
    out[std::to_string(seed)] =
        fs::exists(path) ? fingerprint_file(path.string()) : "";
  }
  return out;
}

fs::path adapter_file(const StudyContext& context, std::int64_t seed) {
  return seed_adapter_folder(context, seed) / "adapter_model.safetensors";
}

// The vector is written first: with its rows there, both are.
fs::path seed_rows_file(const StudyContext& context, std::int64_t seed) {
  return rows_file(context, vector_name(seed));
}

void extract_one(StudyContext& context, std::int64_t seed,
                 std::span<const ExtractItem> items, const VectorSpec& spec) {
  context.model().detach();
  context.model().attach(
      read_adapter(seed_adapter_folder(context, seed), context.model()));
  const VectorSpec specs[] = {spec};
  const auto made = extract_vectors(
      context.model(), context.format(), items, specs,
      extract_options(context.manifest(), context.model().config().num_layers),
      context.monitor());
  SteeringVector vector = made.vectors.front();
  vector.model = context.manifest().model.path;
  vector.facts["training_seed"] = std::to_string(seed);
  write_steering_vector(vector_file(context, vector_name(seed)), vector);
  write_vector_rows(seed_rows_file(context, seed), made.rows.front());
}

}  // namespace

fs::path seed_adapter_folder(const StudyContext& context, std::int64_t seed) {
  return context.file("adapter/seeds") / std::to_string(seed);
}

void extract_training_seeds(StudyContext& context) {
  const auto name = primary_of(context).second;
  if (further_seeds(context).empty() || name.empty()) {
    return;
  }
  const auto spec = parse_vector_spec(name);
  const VectorSpec specs[] = {spec};
  const auto items = extract_items(context, specs);
  for (const auto seed : further_seeds(context)) {
    if (!fs::exists(seed_rows_file(context, seed))) {
      extract_one(context, seed, items, spec);
    }
  }
  context.model().detach();
  context.attach_adapter();
}

bool training_seeds_present(const StudyContext& context) {
  if (primary_of(context).second.empty()) {
    return true;
  }
  for (const auto seed : further_seeds(context)) {
    if (!fs::exists(seed_rows_file(context, seed))) {
      return false;
    }
  }
  return true;
}

Json seed_adapters_fingerprint(const StudyContext& context) {
  return fingerprints(context, adapter_file);
}

Json seed_vectors_fingerprint(const StudyContext& context) {
  return fingerprints(context, seed_rows_file);
}

Json compare_training_seeds(StudyContext& context,
                            std::span<const ComparedVector> vectors,
                            double confidence) {
  const auto primary = primary_of(context);
  const ComparedVector* contrast = nullptr;
  std::vector<ComparedVector> tuned;
  for (const auto& compared : vectors) {
    contrast = compared.vector.name == primary.first ? &compared : contrast;
    if (compared.vector.name == primary.second) {
      tuned.push_back(compared);
    }
  }
  if (further_seeds(context).empty() || contrast == nullptr || tuned.empty()) {
    return nullptr;
  }
  std::vector<std::int64_t> seeds = {context.manifest().run.seed};
  for (const auto seed : further_seeds(context)) {
    seeds.push_back(seed);
    tuned.push_back(load_compared(context, vector_name(seed)));
  }
  return {{"contrastive", primary.first},
          {"finetuned", primary.second},
          {"seeds", seeds},
          {"by_layer",
           seed_agreement_json(seed_agreement(*contrast, tuned, confidence))}};
}

}  // namespace veer
