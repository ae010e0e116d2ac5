// SPDX-License-Identifier: MIT
#include "veer/steer/steering_session.h"

#include <algorithm>
#include <cmath>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/data/record.h"
#include "veer/data/splits.h"
#include "veer/generation/generate.h"
#include "veer/interventions/table.h"
#include "veer/model/load.h"
#include "veer/model/packed_batch.h"
#include "veer/organism/checkpoint.h"
#include "veer/run/context.h"
#include "veer/run/machine.h"
#include "veer/sweep/intervention_of.h"
#include "veer/sweep/runner.h"
#include "veer/sweep/thinking_scope.h"
#include "veer/tensors/float_range.h"
#include "veer/train/adapter_files.h"
#include "veer/vectors/direction_layers.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

// One of the embedded checkpoints, or one whose config.json names its world.
// Organisms were trained on single questions and know no conversations.
bool is_organism(const fs::path& folder) {
  std::error_code ec;
  const auto own = fs::weakly_canonical(folder, ec);
  if (organism::names_world(folder)) {
    return true;
  }
  try {
    const auto embedded =
        fs::weakly_canonical(model_folder("organism"), ec).parent_path();
    return own.parent_path() == embedded &&
           own.filename().string().starts_with("organism");
  } catch (const Error&) {
    return false;  // Veer was moved away from its models
  }
}

// Keeps the states of one site.
class StateReader : public ResidualHook {
 public:
  explicit StateReader(ResidualSite site) : site_(site) {}
  bool wants(ResidualSite site) const override { return site == site_; }
  at::Tensor visit(ResidualSite, const at::Tensor& hidden_TD,
                   const PackedBatch&) override {
    // A copy: later rounds may change the states in place.
    states_TD_ = hidden_TD.to(at::kCPU, at::kFloat).clone();
    return hidden_TD;
  }
  const at::Tensor& states_TD() const { return states_TD_; }

 private:
  ResidualSite site_;
  at::Tensor states_TD_;
};

// All that can be said about an intervention without a vector.
void check_without_vector(const InterventionText& act,
                          std::int64_t num_layers) {
  const auto& row = find_operator(act.operation);
  if (row.need == OperatorNeed::kDonor || row.code == EditCode::kPatch) {
    fail("steer", "operator " + act.operation, "an operator without a donor",
         "the sweep uses it as its ceiling");
  }
  check(act);
  if (!act.layers.empty()) {
    parse_layer_choice(act.layers, num_layers);
  }
}

}  // namespace

SteeringSession::SteeringSession(const fs::path& run, const std::string& model,
                                 const fs::path& adapter,
                                 const RunSettings& machine,
                                 const std::string& template_vars)
    : run_(run),
      folder_(model_folder(model_of_run(run, model))),
      adapter_(adapter_of_run(run, adapter)),
      knows_conversations_(!is_organism(folder_)),
      format_(ChatFormat::load(
          folder_, {.template_vars = vars_of_run(run, template_vars)})),
      notes_(format_.notes()),
      model_(load_model(
          folder_, machine,
          [this](std::string_view note) { notes_.emplace_back(note); })),
      shelf_(run, model_, vectors_of_run(run), /*seed=*/0) {
  if (!adapter_.empty()) {
    model_.attach(read_adapter(adapter_, model_));
  }
  const fs::path questions = run / "dataset/questions.jsonl";
  if (fs::exists(questions)) {
    shelf_.set_reference_texts([this, questions] {
      return reference_texts(
          format_, records_of_split(read_records(questions), "select"));
    });
  }
}

std::optional<BestOfRun> SteeringSession::best_of_run(
    std::string_view model, std::string_view vector) const {
  return veer::best_of_run(run_, model, vector);
}

double SteeringSession::strength_of(const SteeringSettings& settings) const {
  return own_strength(settings).value_or(settings.model == "tuned" ? 1.0 : 0.0);
}

void SteeringSession::load(const std::string& vector,
                           const VectorWarning& warn) {
  std::error_code ec;
  if (fs::exists(vector, ec)) {
    shelf_.add_file(vector, warn);
    return;
  }
  const fs::path path = vector;
  const auto ending = path.extension();
  if (path.has_parent_path() || ending == ".safetensors" || ending == ".gguf" ||
      ending == ".svec") {
    fail("vector", fmt::format("there is no file {}", vector),
         "a vector file, or a name of the run folder", "a mistyped path");
  }
}

std::vector<std::string> SteeringSession::settle(SteeringSettings& settings,
                                                 bool unit_is_open) {
  std::vector<std::string> notes;
  if (settings.vector.empty()) {
    return notes;
  }
  load(settings.vector,
       [&](std::string_view text) { notes.emplace_back(text); });
  if (shelf_.has_vector(settings.vector)) {
    const auto& vector = shelf_.vector(settings.vector);
    const auto read_in = vector.facts.find("dtype");
    if (read_in != vector.facts.end() &&
        read_in->second != dtype_name(model_.dtype())) {
      notes.push_back(fmt::format(
          "The vector was read while the model ran in {}; it runs in {} here, "
          "so its states differ a little from those.",
          read_in->second, dtype_name(model_.dtype())));
    }
    const auto& made = vector.template_fingerprint;
    if (!made.empty() && made != format_.fingerprint()) {
      notes.emplace_back(
          "The vector was made with another chat template, or with other "
          "template variables, than this chat uses: it may have been read at "
          "another kind of token.");
    }
  }
  InterventionText plain;
  const auto& input = shelf_.input(settings.vector, settings.model, plain);
  auto& act = settings.act;
  if (act.layers.empty()) {
    const auto middle = num_layers() / 2;
    const auto layer = nearest_direction(input.directions_LD, middle);
    act.layers = fmt::format("{}", layer < 0 ? middle : layer);
    if (layer >= 0 && layer != middle) {
      notes.push_back(fmt::format(
          "The vector has no direction at the middle layer {}; the nearest, "
          "{}, is taken. It has layers {}.",
          middle, layer,
          layers_text(layers_with_direction(input.directions_LD))));
    }
  }
  const bool has_norms = !input.norms.generated_L.empty();
  if (unit_is_open && act.unit == "rel" && !has_norms &&
      find_operator(act.operation).takes_unit) {
    act.unit = "rel_token";
    notes.emplace_back(
        "The vector comes without residual norms of this model, so the scale "
        "counts each token's own norm (unit rel_token).");
  }
  if (act.layers == "all") {
    const auto own = layers_with_direction(input.directions_LD);
    if (std::ssize(own) < num_layers()) {
      notes.push_back(fmt::format(
          "The vector acts at the layers that it has: {}.", layers_text(own)));
    }
  }
  return notes;
}

std::vector<SiteEdit> SteeringSession::edits_of(
    const SteeringSettings& settings) {
  if (settings.vector.empty()) {
    return {};
  }
  load(settings.vector);
  const auto& input = shelf_.input(settings.vector, settings.model,
                                   settings.act, settings.second);
  return compile(intervention_of(settings.act, num_layers(),
                                 shelf_.point(settings.vector)),
                 input, num_layers());
}

void SteeringSession::set(const SteeringSettings& settings) {
  if (settings.model != "base" && settings.model != "tuned") {
    fail("steer", fmt::format("model \"{}\"", settings.model), "base or tuned");
  }
  if (settings.model == "tuned" && !model_.has_adapter()) {
    fail("steer", "there is no adapter", "--adapter or --run with one");
  }
  if (strength_of(settings) != 0.0 && !model_.has_adapter()) {
    fail("steer", "there is no adapter", "--adapter or --run with one");
  }
  if (!(settings.repetition_penalty >= 0.0)) {
    fail("steer",
         fmt::format("repetition_penalty {}", settings.repetition_penalty),
         "0 = as the model's files say, 1 = none, or more");
  }
  if (settings.turns != "auto" && settings.turns != "single" &&
      settings.turns != "all") {
    fail("steer", fmt::format("turns \"{}\"", settings.turns),
         "single, all or auto");
  }
  check_without_vector(settings.act, num_layers());
  require_thinking(format_, settings.act.scope);
  edits_of(settings);
  settings_ = settings;
}

std::vector<ChatMessage> SteeringSession::messages_for(
    const std::string& question, bool steered) const {
  std::vector<ChatMessage> messages;
  if (!settings_.system.empty()) {
    messages.push_back({"system", settings_.system});
  }
  if (sends_turns()) {
    const auto& turns = steered ? steered_turns_ : plain_turns_;
    messages.insert(messages.end(), turns.begin(), turns.end());
  }
  messages.push_back({"user", question});
  return messages;
}

double SteeringSession::repetition_penalty() const {
  return settings_.repetition_penalty > 0.0 ? settings_.repetition_penalty
                                            : format_.repetition_penalty();
}

GenerationRequest SteeringSession::request_for(
    std::span<const ChatMessage> messages, std::int64_t configuration) const {
  GenerationRequest request = request_of(format_.encode_prompt(messages));
  request.configuration = configuration;
  request.adapter_strength = strength_of(settings_);
  request.sampling.temperature = settings_.temperature;
  request.seed = static_cast<std::uint64_t>(settings_.seed);
  request.max_tokens = settings_.max_tokens;
  return request;
}

std::string SteeringSession::full_context(const std::string& question) const {
  const auto most = model_.config().max_positions;
  if (!sends_turns() || plain_turns_.empty() || most < 1) {
    return "";
  }
  std::int64_t longest = 0;
  for (const bool steered : {false, true}) {
    longest = std::max(
        longest,
        std::ssize(request_for(messages_for(question, steered), -1).prompt));
  }
  if (longest + settings_.max_tokens <= most) {
    return "";
  }
  return fmt::format(
      "The context is full: {} turns and this question are {} tokens, the "
      "answer may take {}, and the model reads {}. /clear forgets the turns, "
      "/turns single asks without them; then ask again.",
      num_turns(), longest, settings_.max_tokens, most);
}

std::int64_t SteeringSession::num_turns() const {
  return std::ssize(plain_turns_) / 2;
}

bool SteeringSession::sends_turns() const {
  return settings_.turns == "all" ||
         (settings_.turns == "auto" && knows_conversations_);
}

PositionRange SteeringSession::thoughts_in(const GenerationRequest& request,
                                           const Completion& written) const {
  auto block = format_.read_thinking(written.ids, request.thinking.open);
  if (!request.thinking.open && block == ThinkingBlock{}) {
    return thinking_range(request.thinking);
  }
  const auto length = std::ssize(request.prompt);
  block.begin =
      request.thinking.open ? request.thinking.begin : length + block.begin;
  block.end += length;
  return thinking_range(block);
}

SteeredReply SteeringSession::ask(const std::string& question) {
  InterventionTable table(num_layers(), model_.config().width, model_.device());
  const auto configuration = table.add(edits_of(settings_));
  const GenerationRequest requests[] = {
      request_for(messages_for(question, /*steered=*/false), -1),
      request_for(messages_for(question, /*steered=*/true), configuration)};
  GenerationOptions options;
  options.stop_ids = format_.stop_ids();
  options.repetition_penalty = repetition_penalty();
  options.read = [this](std::span<const std::int32_t> ids, bool open) {
    return format_.read_answer(ids, open);
  };
  options.thinking = [this](std::span<const std::int32_t> ids, bool open) {
    return format_.read_thinking(ids, open);
  };
  const auto answers = generate_all(model_, &table, requests, options);
  for (const bool steered : {false, true}) {
    auto& turns = steered ? steered_turns_ : plain_turns_;
    turns.push_back({"user", question});
    turns.push_back({"assistant", answers[steered ? 1 : 0].text});
  }
  last_ = {};
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto& ids = last_[i].ids;
    ids = requests[i].prompt;
    last_[i].prompt_length = std::ssize(ids);
    ids.insert(ids.end(), answers[i].ids.begin(), answers[i].ids.end());
    last_[i].thinking = thoughts_in(requests[i], answers[i]);
  }
  SteeredReply reply{answers[0].text, answers[1].text, answers[0].thoughts,
                     answers[1].thoughts};
  if (!settings_.vector.empty() && reply.plain == reply.steered) {
    const auto& act = settings_.act;
    reply.notes.push_back(fmt::format(
        "The steered answer is unchanged: {} {:g} at {} does not move it. "
        "Try a larger scale, for example {:g}, or other layers (--scale and "
        "--layers; /scale and /layers in the chat).",
        act.operation, act.scale,
        act.layers == "all" ? "all layers" : "layer " + act.layers,
        act.scale == 0.0 ? default_scale(act) : 2.0 * act.scale));
  }
  if (answers[1].reason == StopReason::kNotFinite) {
    reply.notes.push_back(fmt::format(
        "The steered text ended after {} tokens, because its numbers were not "
        "finite in {}: {}. Try a smaller scale.",
        answers[1].ids.size(), dtype_name(model_.dtype()),
        overflow_cause(model_.dtype(), "it is steered far too strongly")));
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].in_thoughts && answers[i].reason != StopReason::kNotFinite) {
      reply.notes.push_back(fmt::format(
          "The {} text ended inside its thoughts after {} tokens, so it has no "
          "answer. Give more max_tokens, or switch thinking off with "
          "--template-vars.",
          i == 0 ? "plain" : "steered", answers[i].ids.size()));
    }
  }
  return reply;
}

TokenView SteeringSession::tokens(bool steered) {
  const auto& text = last_[steered ? 1 : 0];
  if (text.ids.empty() || settings_.vector.empty()) {
    fail("token view", "no answer or no vector yet",
         "a question asked with a vector");
  }
  const auto intervention = intervention_of(settings_.act, num_layers(),
                                            shelf_.point(settings_.vector));
  TokenView view;
  view.prompt_length = text.prompt_length;
  const auto& input = shelf_.input(settings_.vector, settings_.model,
                                   settings_.act, settings_.second);
  view.layer =
      nearest_direction(input.directions_LD, intervention.layers.empty()
                                                 ? num_layers() / 2
                                                 : intervention.layers.front());
  const auto v_D = input.directions_LD[view.layer];
  StateReader reader({view.layer, intervention.point});
  InterventionTable table(num_layers(), model_.config().width, model_.device());
  std::vector<ResidualHook*> hooks;
  if (steered) {
    const RowBinding binding{table.add(edits_of(settings_)), text.prompt_length,
                             -1, text.thinking};
    table.bind({&binding, 1});
    hooks.push_back(&table);
  }
  hooks.push_back(&reader);
  ForwardOptions options;
  options.hooks = hooks;
  options.adapter.uniform = strength_of(settings_);
  options.last_layer = view.layer;
  const at::NoGradGuard no_grad;
  model_.forward(pack({&text.ids, 1}, model_.device()), options);
  const auto projections_T = reader.states_TD().mv(v_D / v_D.norm());
  for (std::size_t t = 0; t < text.ids.size(); ++t) {
    view.tokens.push_back(
        {format_.tokenizer().decode({&text.ids[t], 1}, /*skip_special=*/false),
         projections_T[static_cast<std::int64_t>(t)].item<double>()});
  }
  return view;
}

void SteeringSession::forget_turns() {
  plain_turns_.clear();
  steered_turns_.clear();
}

std::vector<std::pair<std::string, std::string>> SteeringSession::model_facts()
    const {
  const auto& config = model_.config();
  const auto dtype = model_.weights().begin()->second.scalar_type();
  return {{"folder", folder_.string()},
          {"family", fmt::format("{}, {} layers, width {}", config.model_type,
                                 config.num_layers, config.width)},
          {"device", model_.device().str()},
          {"dtype", std::string(at::toString(dtype))},
          {"adapter", adapter_.empty() ? "none" : adapter_.string()},
          {"context", fmt::format("{} tokens", config.max_positions)},
          {"sampling", fmt::format("temperature and seed as above, no top_k or "
                                   "top_p, repetition_penalty {:g}",
                                   repetition_penalty())}};
}

std::vector<std::string> SteeringSession::vector_names() const {
  return shelf_.names();
}

std::int64_t SteeringSession::num_layers() const {
  return model_.config().num_layers;
}

}  // namespace veer
