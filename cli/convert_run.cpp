// SPDX-License-Identifier: MIT
#include <ATen/ops/zeros_like.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/convert.h"
#include "cli/output_file.h"
#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/base/model_folder.h"
#include "veer/gguf/model_text.h"
#include "veer/interventions/displacement.h"
#include "veer/interventions/from_vector.h"
#include "veer/model/config.h"
#include "veer/settings/intervention_text.h"
#include "veer/vectors/direction_layers.h"
#include "veer/vectors/gguf_vectors.h"
#include "veer/vectors/plain_vectors.h"
#include "veer/vectors/vector_files.h"

namespace veer::cli {
namespace {

// One conversion, with everything that was lost on the way.
class Conversion {
 public:
  Conversion(const ConvertOptions& options, Session& session)
      : options_(options), session_(session) {
    if (!options.model.empty()) {
      const auto config = read_config_text(find_model_folder(options.model));
      config_ = parse_model_config(config.text, config.origin);
    }
    layers_.layer_offset = options.layer_offset;
    layers_.num_layers = config_ ? config_->num_layers : 0;
  }

  void run() {
    const std::filesystem::path inputs[] = {options_.in};
    require_vector_place("convert", options_.out, inputs);
    SteeringVector vector = read();
    if (config_ && (vector.width() != config_->width ||
                    vector.num_layers() != config_->num_layers)) {
      fail("convert",
           fmt::format("{} layers of width {}", vector.num_layers(),
                       vector.width()),
           fmt::format("{} layers of width {}", config_->num_layers,
                       config_->width),
           "a vector of another model");
    }
    choose_strength(vector);
    write(vector);
    report(vector);
  }

 private:
  VectorWarning warning() {
    return [this](std::string_view text) { notes_.emplace_back(text); };
  }

  SteeringVector read() {
    auto file =
        read_vector_file(options_.in, layers_, options_.layer, warning());
    from_ = file.format;
    return std::move(file.vector);
  }

  // Leaves only the layers asked for, at the strength asked for.
  void choose_strength(SteeringVector& vector) {
    const auto count = vector.num_layers();
    const auto choice = parse_layer_choice(options_.layers, count);
    if (choice.mode != LayerMode::kSet && choice.mode != LayerMode::kAllOwn) {
      fail("convert", "--layers " + options_.layers,
           "layers with their own directions: 3, 2,5, 2-5 or all");
    }
    require_directions(vector.directions_LD, choice.layers, "convert");
    const auto chosen = choice.mode == LayerMode::kSet
                            ? choice.layers
                            : layers_with_direction(vector.directions_LD);
    if (options_.scale) {
      Intervention add;
      add.scale = *options_.scale;
      add.unit = parse_unit(options_.unit);
      add.layers = chosen;
      add.budget = parse_budget(options_.budget);
      vector.directions_LD = fixed_displacement(
          add, input_of(vector, options_.side), vector.num_layers());
      vector.facts["strength"] =
          fmt::format("{} {}", *options_.scale, options_.unit);
      return;
    }
    auto kept_LD = at::zeros_like(vector.directions_LD);
    for (const auto l : chosen) {
      kept_LD[l] = vector.directions_LD[l];
    }
    vector.directions_LD = kept_LD;
  }

  std::string target() const {
    if (!options_.to.empty()) {
      return options_.to;
    }
    const auto ending = options_.out.extension();
    return ending == ".gguf"   ? "gguf"
           : ending == ".svec" ? "svec"
           : from_ == "veer"   ? "plain"
                               : "veer";
  }

  std::string model_type(const SteeringVector& vector) {
    if (!options_.model_type.empty()) {
      return options_.model_type;
    }
    if (config_) {
      return config_->model_type;
    }
    if (from_ != "veer" && !vector.model.empty()) {
      return vector.model;
    }
    notes_.emplace_back(
        "no --model or --model-type: model_type is written as \"llama\"");
    return "llama";
  }

  void write(const SteeringVector& vector) {
    to_ = target();
    const auto& out = options_.out;
    // Reading has used the offset already unless the input is ours.
    ForeignVectorOptions layers;
    layers.layer_offset = from_ == "veer" ? options_.layer_offset : 0;
    if (to_ == "veer") {
      write_steering_vector(out, vector);
      return;
    }
    if (to_ == "gguf" || to_ == "gguf-all") {
      write_gguf_vector(
          out, vector,
          {.model_hint = model_type(vector), .with_layer_zero = to_ != "gguf"},
          layers, warning());
    } else if (to_ == "svec") {
      write_svec(out, vector, model_type(vector), layers, warning());
    } else if (to_ == "plain") {
      write_plain_vector(out, vector, model_type(vector), layers, warning());
    } else {
      fail("convert", "--to " + to_, "veer, gguf, gguf-all, svec or plain");
    }
    note_losses(vector);
  }

  void note_losses(const SteeringVector& vector) {
    notes_.emplace_back(
        "the file says directions only: the tool adds strength x direction to "
        "every token; other operators, token scopes and the position of "
        "extraction (" +
        (vector.position.empty() ? "unknown" : vector.position) +
        ") stay behind");
    if (!options_.scale) {
      notes_.emplace_back(
          "strength 1 there = scale 1 in unit raw here; for other units say "
          "--scale and --unit");
    }
  }

  void report(const SteeringVector& vector) {
    const auto written = layers_with_direction(vector.directions_LD);
    if (session_.json) {
      session_.terminal.out(dump_json({{"from", from_},
                                       {"to", to_},
                                       {"out", options_.out.string()},
                                       {"layers", written},
                                       {"width", vector.width()},
                                       {"norms", vector.norms()},
                                       {"notes", notes_}}) +
                            "\n");
      return;
    }
    for (const auto& note : notes_) {
      session_.terminal.note("note: " + note);
    }
    session_.terminal.out(fmt::format(
        "{} ({}): directions of layers {}, width {}\n", options_.out.string(),
        to_, layers_text(written), vector.width()));
  }

  const ConvertOptions& options_;
  Session& session_;
  std::optional<ModelConfig> config_;
  ForeignVectorOptions layers_;
  std::string from_;
  std::string to_;
  std::vector<std::string> notes_;
};

}  // namespace

void run_convert(const ConvertOptions& options, Session& session) {
  Conversion(options, session).run();
}

}  // namespace veer::cli
