// SPDX-License-Identifier: MIT
#include <algorithm>
#include <optional>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/bake.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/base/model_folder.h"
#include "veer/gguf/model_text.h"
#include "veer/interventions/orthogonalise.h"
#include "veer/model/config.h"
#include "veer/model/load.h"
#include "veer/settings/intervention_text.h"
#include "veer/train/adapter_files.h"
#include "veer/train/bake.h"
#include "veer/vectors/direction_layers.h"
#include "veer/vectors/vector_files.h"

namespace veer::cli {
namespace {

constexpr const char* kUntied =
    "the head, which was the embedding, is stored by itself\n";

// A model over an adapter, or either over the other, would leave a folder that
// is both and neither.
void refuse_existing(const std::filesystem::path& out) {
  for (const char* file :
       {"model.safetensors", "model.safetensors.index.json", "config.json",
        "adapter_model.safetensors", "adapter_config.json"}) {
    if (std::filesystem::exists(out / file)) {
      fail("bake", (out / file).string() + " exists", "a new folder");
    }
  }
}

at::Tensor chosen_direction(const BakeOptions& options,
                            const SteeringVector& vector) {
  const auto choice = parse_layer_choice(options.layer, vector.num_layers());
  if (choice.mode != LayerMode::kSet || choice.layers.size() != 1) {
    fail("bake", fmt::format("--layer \"{}\"", options.layer),
         "one layer, 4 or depth:0.5, whose direction is taken out everywhere");
  }
  require_directions(vector.directions_LD, choice.layers, "bake");
  return vector.directions_LD.select(0, choice.layers.front());
}

// What was written, as JSON and in words.
struct Baked {
  Json json;
  std::string text;
};

// Returns the config that the weights need.
std::string merge(const BakeOptions& options, const std::string& config,
                  TensorMap& weights, Baked& report, Session& session) {
  const auto adapter = read_adapter(options.adapter, adapter_base(weights));
  auto baked = bake_adapter(weights, adapter, session.terminal.monitor());
  weights = std::move(baked.weights);
  Json errors = Json::object();
  for (const auto& [path, relative] : baked.errors) {
    errors[path] = relative;
  }
  report.json["rounding_error"] = std::move(errors);
  const auto worst = std::ranges::max_element(
      baked.errors, {}, [](const BakeError& e) { return e.relative; });
  report.text += fmt::format(
      "{} weights merged into {}\nrounding error, as a share of what the "
      "adapter changes: at most {:.2g} ({})\n{}",
      baked.errors.size(), options.out.string(), worst->relative, worst->path,
      baked.unties_head ? kUntied : "");
  return baked.unties_head ? untied_config(config) : config;
}

// Vectors are bound to the model as it is, before anything is merged into it.
SteeringVector fitting_vector(const BakeOptions& options,
                              const std::filesystem::path& folder,
                              const TensorMap& weights, Session& session) {
  const auto model = transformer_of(folder, weights);
  ForeignVectorOptions layers;
  layers.num_layers = model.config().num_layers;
  layers.one_serves_all = true;
  auto file = read_vector_file(
      options.vector, layers, {},
      [&](std::string_view text) { session.terminal.note(text); });
  require_fits(file.vector, model);
  return std::move(file.vector);
}

// Returns the config that the weights need.
std::string orthogonalise(const BakeOptions& options,
                          const std::filesystem::path& folder,
                          const std::string& config,
                          const SteeringVector& vector, TensorMap& weights,
                          Baked& report, Session& session) {
  auto done = orthogonalise_writers(weights,
                                    parse_model_config(config, folder.string()),
                                    chosen_direction(options, vector),
                                    options.share, session.terminal.monitor());
  weights = std::move(done.weights);
  Json writers = Json::object();
  for (const auto& writer : done.writers) {
    writers[writer.name] = {{"rounding_error", writer.rounding_error},
                            {"left", writer.left}};
  }
  report.json["writers"] = std::move(writers);
  const auto worst = std::ranges::max_element(
      done.writers, {}, [](const auto& w) { return w.rounding_error; });
  const auto most = std::ranges::max_element(
      done.writers, {}, [](const auto& w) { return w.left; });
  report.text += fmt::format(
      "{} tensors in {} without the direction of layer {}\nleft of it: at "
      "most {:.2g} ({})\nrounding error, as a share of what was taken out: at "
      "most {:.2g} ({})\n{}",
      done.writers.size(), options.out.string(), options.layer, most->left,
      most->name, worst->rounding_error, worst->name,
      done.unties_head ? kUntied : "");
  return done.unties_head ? untied_config(config) : config;
}

void change_weights(const BakeOptions& options, Session& session) {
  refuse_existing(options.out);
  const auto folder = find_model_folder(options.model);
  auto weights = read_model_tensors(folder);
  Baked report{{{"out", options.out.string()}}, ""};
  std::optional<SteeringVector> vector;
  if (!options.vector.empty()) {
    vector = fitting_vector(options, folder, weights, session);
  }
  std::string config = read_config_text(folder).text;
  if (!options.adapter.empty()) {
    config = merge(options, config, weights, report, session);
  }
  if (vector) {
    config = orthogonalise(options, folder, config, *vector, weights, report,
                           session);
  }
  write_model_folder(options.out, weights, folder);
  write_file(options.out / "config.json", config);
  session.terminal.out(session.json ? dump_json(report.json) + "\n"
                                    : report.text);
}

void extract(const BakeOptions& options, Session& session) {
  refuse_existing(options.out);
  const auto found = extract_adapter(read_model_tensors(options.model),
                                     read_model_tensors(options.tuned),
                                     options.rank, session.terminal.monitor());
  write_adapter(options.out, found.adapter,
                {.base_model = options.model.string(),
                 .rank = options.rank,
                 .alpha = static_cast<double>(options.rank)});
  const auto least = std::ranges::min_element(
      found.pairs, {}, [](const ExtractedPair& p) { return p.energy; });
  if (session.json) {
    Json energy = Json::object();
    for (const auto& [path, share] : found.pairs) {
      energy[path] = share;
    }
    session.terminal.out(dump_json({{"out", options.out.string()},
                                    {"energy", found.energy},
                                    {"energy_held", energy},
                                    {"not_held", found.not_held}}) +
                         "\n");
    return;
  }
  std::string text = fmt::format(
      "{} pairs of rank {} written to {}\nshare of the squared change held: "
      "{:.4f} over all, at least {:.4f} ({})\n",
      found.pairs.size(), options.rank, options.out.string(), found.energy,
      least->energy, least->path);
  for (const auto& [name, change] : found.not_held) {
    text +=
        fmt::format("not held: {} (relative change {:.2g})\n", name, change);
  }
  session.terminal.out(text);
}

}  // namespace

void run_bake(const BakeOptions& options, Session& session) {
  const bool changes = !options.adapter.empty() || !options.vector.empty();
  if (changes == !options.tuned.empty()) {
    fail("bake", "neither --adapter, --vector nor --tuned", "one of them");
  }
  if (!options.vector.empty() && options.layer.empty()) {
    fail("bake", "--vector without --layer", "the layer of the direction");
  }
  changes ? change_weights(options, session) : extract(options, session);
}

}  // namespace veer::cli
