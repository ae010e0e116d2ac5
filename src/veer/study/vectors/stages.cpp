// SPDX-License-Identifier: MIT
#include "veer/study/vectors/stages.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/json_access.h"
#include "veer/claims/carried_confounds.h"
#include "veer/results/vector_name.h"
#include "veer/run/extract_inputs.h"
#include "veer/run/trained_directions.h"
#include "veer/run/tuned_model.h"
#include "veer/run/tunings.h"
#include "veer/study/registration.h"
#include "veer/study/vectors/comparison_document.h"
#include "veer/study/vectors/confound_behaviour.h"
#include "veer/study/vectors/readings.h"
#include "veer/study/vectors/trained_halves.h"
#include "veer/study/vectors/tuning_comparison.h"
#include "veer/study/vectors/tuning_vectors.h"
#include "veer/train/adapter_files.h"
#include "veer/vectors/compare.h"
#include "veer/vectors/confounds.h"
#include "veer/vectors/extract.h"
#include "veer/vectors/fixed_directions.h"
#include "veer/vectors/readings.h"
#include "veer/vectors/sample_size.h"
#include "veer/vectors/twin_vector.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConfounds = "confounds/";

fs::path readings_file(const StudyContext& context) {
  return context.file("vectors/readings.json");
}

// What an adapter writes, beside the made vector that it should resemble.
SteeringVector adapter_direction(StudyContext& context, const std::string& name,
                                 const SteeringVector& like,
                                 const at::Tensor& towards_LD) {
  const auto parts = parse_vector_name(name).parts;
  const std::string writer = parts.empty() ? "" : parts.front();
  SteeringVector vector;
  vector.name = name;
  vector.contrast = "adapter";
  vector.method = "singular";
  vector.sign = "base -> fine-tuned";
  vector.model = like.model;
  vector.model_fingerprint = like.model_fingerprint;
  vector.template_fingerprint = like.template_fingerprint;
  vector.residual_norms = like.residual_norms;
  vector.facts["writer"] = writer.empty() ? "o_proj and down_proj" : writer;
  vector.directions_LD =
      adapter_directions(read_adapter(context.file("adapter"), context.model()),
                         like.num_layers(), like.width(), writer, towards_LD);
  return vector;
}

// Vectors with their rows, named as the specs.
void write_extraction(StudyContext& context, const Extraction& made,
                      std::span<const VectorSpec> specs, std::size_t num_main) {
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const std::string file =
        (i < num_main ? "" : std::string(kConfounds)) + specs[i].name;
    write_vector_rows(rows_file(context, file), made.rows[i]);
    SteeringVector vector = made.vectors[i];
    vector.model = context.manifest().model.path;
    write_steering_vector(vector_file(context, file), vector);
  }
}

std::vector<SteeringVector> write_fixed_directions(StudyContext& context,
                                                   const Extraction& made) {
  const auto& names = context.manifest().extract.vectors;
  const auto primary = primary_pair(names);
  std::vector<SteeringVector> out;
  at::Tensor towards_LD;
  for (const auto& vector : made.vectors) {
    if (vector.name == primary.second) {
      towards_LD = vector.directions_LD;
    }
  }
  for (const auto& name : names) {
    if (is_fixed_direction(name)) {
      const auto& like = made.vectors.front();
      out.push_back(
          is_trained_direction(name)
              ? train_direction(context, name, like, trained_on(context), name)
              : adapter_direction(context, name, like, towards_LD));
      write_steering_vector(vector_file(context, name), out.back());
    }
  }
  return out;
}

Json two_by_two_document(const Extraction& made) {
  Json out = Json::array();
  for (const auto& [position, layers] : made.two_by_two) {
    Json rows = Json::array();
    for (std::size_t l = 0; l < layers.size(); ++l) {
      Json row = two_by_two_json(layers[l]);
      row["layer"] = l;
      rows.push_back(std::move(row));
    }
    out.push_back({{"position", position}, {"by_layer", rows}});
  }
  return out;
}

// The vectors that one adapter serves: those of the manifest without its twins.
std::vector<VectorSpec> single_specs(const ExtractSettings& settings) {
  auto specs = manifest_specs(settings);
  std::erase_if(specs, is_twin);
  return specs;
}

// What the twins need of the study's own adapter and the manifest does not
// name.
std::vector<VectorSpec> unnamed_twin_sides(const ExtractSettings& settings,
                                           std::span<const VectorSpec> named) {
  std::vector<VectorSpec> sides;
  for (const auto& name : twin_side_names(settings)) {
    if (std::ranges::none_of(
            named, [&](const auto& spec) { return spec.name == name; })) {
      sides.push_back(parse_vector_spec(name));
    }
  }
  return sides;
}

std::vector<ComparedVector> twin_sides(const ExtractSettings& settings,
                                       const Extraction& made) {
  const auto names = twin_side_names(settings);
  std::vector<ComparedVector> sides;
  for (std::size_t v = 0; v < made.vectors.size(); ++v) {
    if (std::ranges::find(names, made.vectors[v].name) != names.end()) {
      sides.push_back({made.vectors[v], made.rows[v]});
    }
  }
  return sides;
}

// What of the test split was read before extract begins.
TestRead read_before(StudyContext& context) {
  if (has_test_answers(context)) {
    return TestRead::kAnswers;
  }
  const auto row = context.store().stage("extract");
  const bool began = row && (row->done || registered_file(context).is_object());
  return began && context.manifest().extract.detection_questions > 0
             ? TestRead::kDetection
             : TestRead::kNothing;
}

StageResult extract(StudyContext& context, TestRead read) {
  register_claims(context, read);
  const auto& manifest = context.manifest();
  if (vectors_need_tuned(manifest.extract)) {
    context.attach_adapter();
  }
  auto specs = single_specs(manifest.extract);
  const std::size_t num_main = specs.size();
  const auto sides = unnamed_twin_sides(manifest.extract, specs);
  if (num_main + sides.size() == 0) {
    fail("extract", "no vector that is made from questions",
         "at least one CONTRAST@POSITION in extract.vectors");
  }
  auto confounds = manifest.extract.confounds
                       ? confound_specs(manifest_specs(manifest.extract))
                       : std::vector<VectorSpec>();
  auto wanted = specs;
  wanted.insert(wanted.end(), confounds.begin(), confounds.end());
  const auto items = extract_items(context, wanted);
  for (const auto& name : drop_unmakeable(confounds, items)) {
    context.monitor().message(name +
                              " is left out: too few second honest answers");
  }
  specs.insert(specs.end(), confounds.begin(), confounds.end());
  const std::size_t num_written = specs.size();
  specs.insert(specs.end(), sides.begin(), sides.end());
  const auto made =
      extract_vectors(context.model(), context.format(), items, specs,
                      extract_options(context), context.monitor());
  write_extraction(context, made, std::span(specs).first(num_written),
                   num_main);
  std::vector<SteeringVector> main(
      made.vectors.begin(),
      made.vectors.begin() + static_cast<std::ptrdiff_t>(num_main));
  extract_tunings(context);
  for (auto& twin : write_twins(context, twin_sides(manifest.extract, made))) {
    main.push_back(std::move(twin));
  }
  for (auto& direction : write_fixed_directions(context, made)) {
    main.push_back(std::move(direction));
  }
  write_trained_halves(context, made.vectors.front());
  const auto rest =
      std::span(made.vectors).subspan(num_main, num_written - num_main);
  Json readings = read_vectors(context, main, rest);
  readings["two_by_two"] = two_by_two_document(made);
  readings["confound_behaviour"] =
      confounds.empty() ? Json::array()
                        : confound_behaviour(context, confound_names());
  write_file(readings_file(context), dump_json(readings, 1) + "\n");
  return {fmt::format("{} vectors from {} questions ({} left out)", main.size(),
                      made.num_items, made.num_dropped),
          ""};
}

// Vectors with rows by point of the block, in the order of the manifest.
std::vector<std::vector<ComparedVector>> load_groups(StudyContext& context) {
  std::vector<std::vector<ComparedVector>> groups;
  for (const auto& name : vector_names(context.manifest().extract)) {
    if (is_fixed_direction(name)) {
      continue;
    }
    auto compared = load_compared(context, name);
    const auto found =
        std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
          return group.front().vector.point == compared.vector.point;
        });
    auto& group = found == groups.end() ? groups.emplace_back() : *found;
    group.push_back(std::move(compared));
  }
  return groups;
}

// Adds what the directions without rows have to say.
void add_directions(StudyContext& context, std::span<const ComparedVector> all,
                    const Comparison& comparison, const CompareOptions& options,
                    Json& document) {
  std::vector<FixedDirection> directions;
  for (const auto& name : context.manifest().extract.vectors) {
    if (is_fixed_direction(name)) {
      directions.push_back(load_direction(context, name));
    }
  }
  document["directions"] =
      fixed_json(compare_fixed(directions, all, comparison, options));
  document["direction_halves"] = halves_json(agreement_of_halves(directions));
}

std::vector<ComparedVector> load_confounds(
    StudyContext& context, std::span<const ComparedVector> vectors) {
  std::vector<ComparedVector> out;
  if (!context.manifest().extract.confounds) {
    return out;
  }
  std::vector<VectorSpec> specs;
  for (const auto& compared : vectors) {
    specs.push_back(parse_vector_spec(compared.vector.name));
  }
  for (const auto& spec : confound_specs(specs)) {
    const auto name = std::string(kConfounds) + spec.name;
    if (fs::exists(rows_file(context, name))) {
      out.push_back(load_compared(context, name));
    }
  }
  return out;
}

// Questions whose two answers have equally many words.
std::vector<std::string> equal_length_questions(StudyContext& context) {
  const auto words = [](const std::string& text) {
    std::int64_t count = 0;
    bool inside = false;
    for (const char c : text) {
      const bool is_space = c == ' ' || c == '\n' || c == '\t';
      count += !is_space && !inside ? 1 : 0;
      inside = !is_space;
    }
    return count;
  };
  std::vector<std::string> ids;
  for (const auto& record : context.split("extract")) {
    if (words(record.honest) == words(record.deceptive)) {
      ids.push_back(record.id);
    }
  }
  return ids;
}

const ComparedVector* named(std::span<const ComparedVector> vectors,
                            const std::string& name) {
  for (const auto& compared : vectors) {
    if (compared.vector.name == name) {
      return &compared;
    }
  }
  return nullptr;
}

Json length_matched(StudyContext& context,
                    std::span<const ComparedVector> vectors,
                    const std::pair<std::string, std::string>& primary,
                    double confidence) {
  const auto* a = named(vectors, primary.first);
  const auto* b = named(vectors, primary.second);
  if (a == nullptr || b == nullptr) {
    return Json::object();
  }
  const auto ids = equal_length_questions(context);
  Json layers = Json::array();
  const auto cosines = cosine_on(*a, *b, ids, confidence);
  for (std::size_t l = 0; l < cosines.size(); ++l) {
    Json row = measure_json(cosines[l]);
    row["layer"] = l;
    layers.push_back(std::move(row));
  }
  return {{"n", ids.size()}, {"by_layer", layers}};
}

// What H24 asks of one run: how much of the fine-tuned vector lies in the
// domain direction and the confounds. Null without a domain vector beside it.
Json imprint_document(std::span<const ComparedVector> vectors,
                      std::span<const ComparedVector> confounds,
                      const std::string& finetuned,
                      const std::set<std::string>& carriers) {
  const auto* tuned = named(vectors, finetuned);
  std::vector<ComparedVector> others;
  for (const auto& vector : vectors) {
    if (vector.vector.contrast == "domain" && tuned != nullptr &&
        vector.vector.position == tuned->vector.position) {
      others.push_back(vector);
    }
  }
  if (others.empty()) {
    return nullptr;
  }
  for (const auto& confound : confounds) {
    if (!carriers.contains(confound.vector.contrast)) {
      others.push_back(confound);
    }
  }
  const auto share = share_in_span(*tuned, others);
  double sum = 0.0;
  for (const double own : share.by_layer) {
    sum += own;
  }
  return {{"vector", finetuned},
          {"directions", share.used},
          {"by_layer", share.by_layer},
          {"mean", sum / static_cast<double>(share.by_layer.size())}};
}

constexpr std::int64_t kSampleSizeDraws = 20;

Json sample_size_document(const StudyContext& context,
                          std::span<const ComparedVector> vectors,
                          const std::pair<std::string, std::string>& primary) {
  const auto* a = named(vectors, primary.first);
  const auto* b = named(vectors, primary.second);
  if (a == nullptr || b == nullptr) {
    return Json::object();
  }
  Json out = sample_size_json(
      sample_size_curve(*a, *b, kSampleSizeDraws, context.seed()));
  out["a"] = primary.first;
  out["b"] = primary.second;
  return out;
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
    std::int64_t layers = 0;
    for (const auto& at : pair.by_layer) {
      if (at.cosine.value) {
        ++layers;
        low = std::min(low, *at.cosine.value);
        high = std::max(high, *at.cosine.value);
      }
    }
    return low > high ? "no cosine is established at any layer"
                      : fmt::format("cosine {:.2f} ... {:.2f} over {} layers",
                                    low, high, layers);
  }
  return fmt::format("{} vectors", comparison.vectors.size());
}

CompareOptions compare_options(const Manifest& manifest) {
  CompareOptions options;
  options.confidence = manifest.compare.confidence;
  options.random_draws = manifest.compare.random_draws;
  options.split_halves = manifest.compare.split_halves;
  options.seed = manifest.run.seed;
  return options;
}

// What extract read from the model, beside what compare computes.
void add_readings(const StudyContext& context, Json& document) {
  const auto path = readings_file(context);
  if (fs::exists(path)) {
    const Json readings = parse_json(read_file(path), path.string());
    for (const auto& [key, value] : readings.items()) {
      document[key] = value;
    }
  }
}

StageResult compare(StudyContext& context) {
  const auto options = compare_options(context.manifest());
  const auto primary = primary_pair(context.manifest().extract.vectors);
  Comparison comparison;
  std::vector<ComparedVector> all;
  for (const auto& group : load_groups(context)) {
    auto part = compare_vectors(group, options, context.monitor());
    if (all.empty()) {
      comparison = std::move(part);
    } else {
      std::move(part.vectors.begin(), part.vectors.end(),
                std::back_inserter(comparison.vectors));
      std::move(part.pairs.begin(), part.pairs.end(),
                std::back_inserter(comparison.pairs));
    }
    all.insert(all.end(), group.begin(), group.end());
  }
  Json document = comparison_document(comparison, all, primary);
  add_directions(context, all, comparison, options, document);
  document["length_matched"] =
      length_matched(context, all, primary, options.confidence);
  document["sample_size"] = sample_size_document(context, all, primary);
  add_readings(context, document);
  const auto confounds = load_confounds(context, all);
  const auto carriers =
      behaviour_carriers(member(document, "confound_behaviour"));
  document["confounds"] = confounds_json(
      compare_with_confounds(all, confounds, options.confidence, carriers));
  document["imprint"] =
      imprint_document(all, confounds, primary.second, carriers);
  compare_tunings(context, all, options.confidence, document);
  write_file(context.file("comparison.json"), dump_json(document, 1) + "\n");
  return {cosine_summary(comparison, primary), ""};
}

bool all_present(const StudyContext& context) {
  for (const auto& name : vector_names(context.manifest().extract)) {
    if (!fs::exists(vector_file(context, name)) ||
        (!is_fixed_direction(name) && !fs::exists(rows_file(context, name)))) {
      return false;
    }
  }
  return fs::exists(readings_file(context)) &&
         trained_halves_present(context) && tunings_present(context);
}

Json kept_steps_fingerprint(const StudyContext& context) {
  Json out = Json::object();
  const auto folder = context.file("adapter/steps");
  if (fs::exists(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const auto file = entry.path() / "adapter_model.safetensors";
      if (fs::exists(file)) {
        out[entry.path().filename().string()] = fingerprint_file(file.string());
      }
    }
  }
  return out;
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

fs::path rows_file(const StudyContext& context, const std::string& name) {
  return context.file("vectors/items/" + name + ".safetensors");
}

ComparedVector load_compared(StudyContext& context, const std::string& name) {
  return {load_vector(context, name),
          read_vector_rows(rows_file(context, name))};
}

Stage extract_stage(StudyContext& context) {
  const auto& manifest = context.manifest();
  Json from = {
      {"extract", manifest_section(manifest, "extract")},
      {"judge", context.judge_text()},
      {"prompts",
       {manifest.dataset.honest_prompt, manifest.dataset.deceptive_prompt}},
      {"seed", manifest.run.seed},
      {"model", context.model_fingerprint()},
      {"machine", context.machine_text()},
      {"dataset",
       fingerprint_file(context.file("dataset/questions.jsonl").string())}};
  if (vectors_need_tuned(manifest.extract)) {
    from["adapter"] = fingerprint_file(
        context.file("adapter/adapter_model.safetensors").string());
    from["steps"] = kept_steps_fingerprint(context);
    from["tunings"] = tuned_adapters_fingerprint(context);
  }
  return {"extract",
          dump_json(from),
          [&context] { return all_present(context); },
          [&context, read = read_before(context)] {
            return extract(context, read);
          },
          [&context] {
            std::error_code ec;
            fs::remove_all(context.file("vectors"), ec);
          },
          [&context] { return has_files(context.file("vectors")); }};
}

Stage compare_stage(StudyContext& context) {
  const auto& manifest = context.manifest();
  Json rows = Json::array();
  for (const auto& name : vector_names(manifest.extract)) {
    const auto file = is_fixed_direction(name) ? vector_file(context, name)
                                               : rows_file(context, name);
    rows.push_back(fingerprint_file(file.string()));
  }
  if (fs::exists(readings_file(context))) {
    rows.push_back(fingerprint_file(readings_file(context).string()));
  }
  const Json from = {{"compare", manifest_section(manifest, "compare")},
                     {"seed", manifest.run.seed},
                     {"machine", context.machine_text()},
                     {"rows", rows},
                     {"halves", trained_halves_fingerprint(context)},
                     {"tunings", tuned_vectors_fingerprint(context)}};
  return {"compare",
          dump_json(from),
          [&context] { return fs::exists(context.file("comparison.json")); },
          [&context] { return compare(context); },
          /*clear=*/{},
          /*has_partial=*/{},
          /*keeps_drafts=*/false,
          /*documents=*/{"comparison.json"}};
}

}  // namespace veer
