// SPDX-License-Identifier: MIT
#include "veer/study/vector_stages.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/study/vector_names.h"
#include "veer/vectors/compare.h"
#include "veer/vectors/extract.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

fs::path rows_file(const StudyContext& context, const std::string& name) {
  return context.file("vectors/items/" + name + ".safetensors");
}

std::vector<ExtractItem> extract_items(StudyContext& context) {
  std::vector<ExtractItem> items;
  for (auto& record : first_records(context.split("extract"),
                                    context.manifest().extract.questions)) {
    items.push_back({record.id, record.question, record.honest,
                     record.deceptive, /*own=*/""});
  }
  return items;
}

StageResult extract(StudyContext& context) {
  const auto& manifest = context.manifest();
  context.attach_adapter();
  std::vector<VectorSpec> specs;
  for (const auto& name : manifest.extract.vectors) {
    specs.push_back(parse_vector_spec(name));
  }
  ExtractOptions options;
  options.honest_prompt = manifest.dataset.honest_prompt;
  options.deceptive_prompt = manifest.dataset.deceptive_prompt;
  options.method.seed = manifest.run.seed;
  options.batch_tokens = manifest.extract.batch_tokens;
  const auto items = extract_items(context);
  const auto made = extract_vectors(context.model(), context.format(), items,
                                    specs, options, context.monitor());
  for (std::size_t i = 0; i < made.vectors.size(); ++i) {
    write_vector_rows(rows_file(context, specs[i].name), made.rows[i]);
    SteeringVector vector = made.vectors[i];
    vector.model = manifest.model.path;
    write_steering_vector(vector_file(context, specs[i].name), vector);
  }
  return {fmt::format("{} vectors from {} questions ({} left out)",
                      made.vectors.size(), made.num_items, made.num_dropped),
          ""};
}

std::vector<ComparedVector> load_compared(StudyContext& context) {
  std::vector<ComparedVector> compared;
  for (const auto& name : context.manifest().extract.vectors) {
    compared.push_back({load_vector(context, name),
                        read_vector_rows(rows_file(context, name))});
  }
  return compared;
}

Json vector_layers_json(const VectorComparison& vector) {
  Json layers = Json::array();
  for (const auto& at : vector.by_layer) {
    layers.push_back({{"layer", at.layer},
                      {"norm", at.norm},
                      {"residual_norm", optional_json(at.residual_norm)},
                      {"relative_norm", optional_json(at.relative_norm)},
                      {"reliability", optional_json(at.reliability.value)},
                      {"reliability_low", optional_json(at.reliability.low)},
                      {"reliability_high", optional_json(at.reliability.high)},
                      {"existence_p", optional_json(at.existence_adjusted_p)},
                      {"auroc", optional_json(at.auroc)}});
  }
  return layers;
}

Json pair_layers_json(const PairComparison& pair) {
  Json layers = Json::array();
  for (const auto& at : pair.by_layer) {
    const NullBand& band = at.covariance ? at.covariance->pair : at.isotropic;
    layers.push_back({{"layer", at.layer},
                      {"cosine", optional_json(at.cosine.value)},
                      {"raw_cosine", optional_json(at.raw_cosine)},
                      {"low", optional_json(at.cosine.low)},
                      {"high", optional_json(at.cosine.high)},
                      {"established", at.cosine.established()},
                      {"reason", at.cosine.reason},
                      {"null_low", band.low},
                      {"null_high", band.high},
                      {"ceiling", optional_json(at.ceiling)},
                      {"verdict", at.verdict}});
  }
  return layers;
}

Json comparison_document(const Comparison& comparison,
                         const std::vector<ComparedVector>& compared,
                         const std::pair<std::string, std::string>& primary) {
  Json vectors = Json::array();
  for (std::size_t i = 0; i < comparison.vectors.size(); ++i) {
    const auto& vector = comparison.vectors[i];
    vectors.push_back({{"name", vector.name},
                       {"family", vector_family(vector.name)},
                       {"position", compared[i].vector.position},
                       {"n", vector.n},
                       {"file", "vectors/" + vector.name + ".safetensors"},
                       {"fingerprint", vector.fingerprint},
                       {"by_layer", vector_layers_json(vector)}});
  }
  Json pairs = Json::array();
  for (const auto& pair : comparison.pairs) {
    pairs.push_back(
        {{"a", pair.a},
         {"b", pair.b},
         {"primary", pair.a == primary.first && pair.b == primary.second},
         {"n", pair.num_common},
         {"by_layer", pair_layers_json(pair)}});
  }
  return {{"layers", comparison.num_layers},
          {"width", comparison.width},
          {"site", comparison.point},
          {"confidence", comparison.options.confidence},
          {"vectors", vectors},
          {"pairs", pairs},
          {"primary", {{"a", primary.first}, {"b", primary.second}}},
          {"full", comparison_json(comparison)}};
}

// "cosine 0.12 ... 0.81 over 8 layers".
std::string cosine_summary(const Comparison& comparison,
                           const std::pair<std::string, std::string>& primary) {
  for (const auto& pair : comparison.pairs) {
    if (pair.a != primary.first || pair.b != primary.second) {
      continue;
    }
    double low = 2.0;
    double high = -2.0;
    for (const auto& at : pair.by_layer) {
      if (at.cosine.value) {
        low = std::min(low, *at.cosine.value);
        high = std::max(high, *at.cosine.value);
      }
    }
    return low > high ? "no cosine is established at any layer"
                      : fmt::format("cosine {:.2f} ... {:.2f} over {} layers",
                                    low, high, pair.by_layer.size());
  }
  return fmt::format("{} vectors", comparison.vectors.size());
}

StageResult compare(StudyContext& context) {
  const auto& settings = context.manifest().compare;
  CompareOptions options;
  options.confidence = settings.confidence;
  options.random_draws = settings.random_draws;
  options.split_halves = settings.split_halves;
  options.seed = context.manifest().run.seed;
  const auto compared = load_compared(context);
  const auto comparison = compare_vectors(compared, options, context.monitor());
  const auto primary = primary_pair(context.manifest().extract.vectors);
  write_file(
      context.file("comparison.json"),
      dump_json(comparison_document(comparison, compared, primary), 1) + "\n");
  return {cosine_summary(comparison, primary), ""};
}

bool all_present(const StudyContext& context) {
  for (const auto& name : context.manifest().extract.vectors) {
    if (!fs::exists(vector_file(context, name)) ||
        !fs::exists(rows_file(context, name))) {
      return false;
    }
  }
  return true;
}

}  // namespace

fs::path vector_file(const StudyContext& context, const std::string& name) {
  return context.file("vectors/" + name + ".safetensors");
}

SteeringVector load_vector(StudyContext& context, const std::string& name) {
  auto vector = read_steering_vector(vector_file(context, name));
  require_fits(vector, context.model());
  return vector;
}

Stage extract_stage(StudyContext& context) {
  const auto& manifest = context.manifest();
  const Json from = {
      {"extract", manifest_section(manifest, "extract")},
      {"prompts",
       {manifest.dataset.honest_prompt, manifest.dataset.deceptive_prompt}},
      {"seed", manifest.run.seed},
      {"model", context.model_fingerprint()},
      {"machine", context.machine_text()},
      {"dataset",
       fingerprint_file(context.file("dataset/questions.jsonl").string())},
      {"adapter",
       fingerprint_file(
           context.file("adapter/adapter_model.safetensors").string())}};
  return {"extract", dump_json(from),
          [&context] { return all_present(context); },
          [&context] { return extract(context); },
          [&context] {
            std::error_code ec;
            fs::remove_all(context.file("vectors"), ec);
          }};
}

Stage compare_stage(StudyContext& context) {
  const auto& manifest = context.manifest();
  Json rows = Json::array();
  for (const auto& name : manifest.extract.vectors) {
    rows.push_back(fingerprint_file(rows_file(context, name).string()));
  }
  const Json from = {{"compare", manifest_section(manifest, "compare")},
                     {"seed", manifest.run.seed},
                     {"machine", context.machine_text()},
                     {"rows", rows}};
  return {"compare", dump_json(from),
          [&context] { return fs::exists(context.file("comparison.json")); },
          [&context] { return compare(context); }};
}

}  // namespace veer
