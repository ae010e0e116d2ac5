// SPDX-License-Identifier: MIT
#include "veer/study/steering_session.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/generation/generate.h"
#include "veer/interventions/from_vector.h"
#include "veer/study/context.h"
#include "veer/study/machine.h"
#include "veer/train/adapter_files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

std::string model_of_run(const fs::path& run, const std::string& model) {
  if (!model.empty()) {
    return model;
  }
  const fs::path manifest = run / "manifest.toml";
  if (!run.empty() && !fs::exists(manifest)) {
    fail("steer", fmt::format("{} has no manifest.toml", run.string()),
         "a run folder", "a mistyped --run");
  }
  return run.empty() ? ModelSettings{}.path
                     : load_manifest(manifest, {}).model.path;
}

bool parse_number(std::string_view text, std::int64_t& value) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

Intervention intervention_of(const SteeringSettings& settings,
                             std::int64_t num_layers) {
  Intervention intervention;
  intervention.operation = settings.operation;
  intervention.scale = settings.scale;
  intervention.unit = parse_unit(settings.unit);
  intervention.scope = parse_scope(settings.scope);
  intervention.layers = parse_layers(settings.layers, num_layers);
  if (intervention.layers.empty()) {
    intervention.layer_mode = LayerMode::kAllOwn;
    intervention.budget = Budget::kPerLayer;
  }
  return intervention;
}

}  // namespace

std::vector<std::int64_t> parse_layers(std::string_view text,
                                       std::int64_t num_layers) {
  if (text == "all") {
    return {};
  }
  std::vector<std::int64_t> layers;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const auto part = rest.substr(0, comma);
    const auto dash = part.find('-');
    std::int64_t first = -1;
    std::int64_t last = -1;
    const bool good =
        parse_number(part.substr(0, dash), first) &&
        parse_number(
            dash == std::string_view::npos ? part : part.substr(dash + 1),
            last);
    if (!good || first < 0 || last < first || last >= num_layers) {
      layers.clear();
      break;
    }
    for (auto layer = first; layer <= last; ++layer) {
      layers.push_back(layer);
    }
    rest.remove_prefix(comma == std::string_view::npos ? rest.size()
                                                       : comma + 1);
  }
  if (layers.empty()) {
    fail("steer", fmt::format("layers \"{}\"", text),
         fmt::format("all, or layers from 0 to {} such as 3 or 2,5 or 2-5",
                     num_layers - 1));
  }
  return layers;
}

SteeringSession::SteeringSession(const fs::path& run, const std::string& model,
                                 const fs::path& adapter,
                                 const RunSettings& machine)
    : run_(run),
      format_(ChatFormat::load(model_folder(model_of_run(run, model)))),
      model_(load_model(model_folder(model_of_run(run, model)), machine)) {
  fs::path folder = adapter;
  if (folder.empty() && fs::exists(run / "adapter/adapter_config.json")) {
    folder = run / "adapter";
  }
  if (!folder.empty()) {
    model_.attach(read_adapter(folder, model_.linear_layers()));
  }
}

std::optional<SteeringSettings> SteeringSession::best_of_run(
    std::string_view model) const {
  const fs::path path = run_ / "summary.json";
  if (run_.empty() || !fs::exists(path)) {
    return std::nullopt;
  }
  const Json summary = parse_json(read_file(path), path.string());
  const std::string goal = model == "tuned" ? "suppression" : "induction";
  const Json* best = nullptr;
  double value = 0.0;
  for (const auto& entry : summary.value("best", Json::array())) {
    if (entry.value("goal", "") != goal || !entry.contains("effect") ||
        !entry["effect"]["value"].is_number()) {
      continue;
    }
    const double own = std::abs(entry["effect"]["value"].get<double>());
    if (best == nullptr || own > value) {
      best = &entry;
      value = own;
    }
  }
  if (best == nullptr) {
    return std::nullopt;
  }
  SteeringSettings settings;
  settings.model = model;
  settings.vector = best->at("vector").get<std::string>();
  settings.layers = best->at("layers").get<std::string>();
  settings.scale = best->at("scale").get<double>();
  const auto operation = best->at("operator").get<std::string>();
  settings.operation = operation == "ablate" ? operation : "add";
  settings.unit = operation == "ablate" ? "raw" : best->at("unit");
  if (operation == "subtract") {
    settings.scale = -settings.scale;
  }
  return settings;
}

void SteeringSession::load_vector_of(const SteeringSettings& settings) {
  if (settings.vector.empty()) {
    vector_.reset();
    vector_name_.clear();
    return;
  }
  if (settings.vector == vector_name_) {
    return;
  }
  fs::path path = settings.vector;
  if (!fs::exists(path) && !run_.empty()) {
    path = run_ / "vectors" / (settings.vector + ".safetensors");
  }
  auto vector = read_steering_vector(path);
  require_fits(vector, model_);
  vector_ = std::move(vector);
  vector_name_ = settings.vector;
}

void SteeringSession::set(const SteeringSettings& settings) {
  if (settings.model != "base" && settings.model != "tuned") {
    fail("steer", fmt::format("model \"{}\"", settings.model), "base or tuned");
  }
  if (settings.model == "tuned" && !model_.has_adapter()) {
    fail("steer", "there is no adapter", "--adapter or --run with one");
  }
  load_vector_of(settings);
  if (vector_) {
    compile(intervention_of(settings, num_layers()),
            input_of(*vector_, settings.model), num_layers());
  }
  settings_ = settings;
}

SteeredReply SteeringSession::ask(const std::string& question) {
  InterventionTable table(num_layers(), model_.config().width, model_.device());
  std::int64_t configuration = -1;
  if (vector_) {
    configuration =
        table.add(compile(intervention_of(settings_, num_layers()),
                          input_of(*vector_, settings_.model), num_layers()));
  }
  std::vector<GenerationRequest> requests;
  for (auto* turns : {&plain_turns_, &steered_turns_}) {
    turns->push_back({"user", question});
    std::vector<ChatMessage> chat;
    if (!settings_.system.empty()) {
      chat.push_back({"system", settings_.system});
    }
    chat.insert(chat.end(), turns->begin(), turns->end());
    GenerationRequest request;
    request.prompt = format_.encode_prompt(chat).ids;
    request.configuration = turns == &plain_turns_ ? -1 : configuration;
    request.adapter_strength = settings_.model == "tuned" ? 1.0 : 0.0;
    request.sampling.temperature = settings_.temperature;
    request.seed = static_cast<std::uint64_t>(settings_.seed);
    request.max_tokens = settings_.max_tokens;
    requests.push_back(std::move(request));
  }
  GenerationOptions options;
  options.stop_ids = format_.stop_ids();
  options.decode = [this](std::span<const std::int32_t> ids) {
    return format_.tokenizer().decode(ids, /*skip_special=*/true);
  };
  const auto answers = generate_all(model_, &table, requests, options);
  plain_turns_.push_back({"assistant", answers[0].text});
  steered_turns_.push_back({"assistant", answers[1].text});
  return {answers[0].text, answers[1].text};
}

void SteeringSession::forget_turns() {
  plain_turns_.clear();
  steered_turns_.clear();
}

std::vector<std::string> SteeringSession::vector_names() const {
  std::vector<std::string> names;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(run_ / "vectors", ec)) {
    if (entry.path().extension() == ".safetensors") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::int64_t SteeringSession::num_layers() const {
  return model_.config().num_layers;
}

}  // namespace veer
