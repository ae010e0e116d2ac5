// SPDX-License-Identifier: MIT
//
// One model, steered and plain side by side: what `veer steer` is made of.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "veer/generation/request.h"
#include "veer/interventions/intervention.h"
#include "veer/model/transformer.h"
#include "veer/study/intervention_text.h"
#include "veer/study/manifest.h"
#include "veer/study/vector_shelf.h"
#include "veer/text/chat_format.h"

namespace veer {

// What may be changed between two turns.
struct SteeringSettings {
  std::string model = "base";  // or "tuned"
  std::string vector;  // a file, or a name that a VectorShelf knows; "" = none
  InterventionText act = {.scope = "all"};
  std::string second;              // rotate: the plane's other vector
  double adapter_strength = -1.0;  // below 0: 0 for base, 1 for tuned
  std::string system;
  double temperature = 0.0;
  std::int64_t max_tokens = 64;
  std::int64_t seed = 0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("model", self.model, "base or tuned");
    field("vector", self.vector, "file, name in the run folder, or mixture");
    field("operator", self.act.operation, "add, ablate, ... (see /operators)");
    field("scale", self.act.scale, "strength; negative suppresses");
    field("unit", self.act.unit, "raw, unit, rel, rel_token or sigma");
    field("layers", self.act.layers,
          "3, 2,5, 2-5, all, all_same:3, increments or depth:0.5");
    field("scope", self.act.scope, "all, prompt, generated, first:N, from:N");
    field("budget", self.act.budget, "full, per_layer or per_root_layer");
    field("norms", self.act.norms,
          "of unit rel: auto, prompt, prompt_end or generated");
    field("site", self.act.site, "resid_post, resid_mid, ..., empty = as read");
    field("threshold", self.act.threshold, "of soft and gated operators");
    field("steepness", self.act.steepness, "of soft operators");
    field("second", self.second, "the other vector of a rotation's plane");
    field("adapter_strength", self.adapter_strength,
          "of the adapter, below 0 = 0 for base and 1 for tuned");
    field("system", self.system, "system prompt");
    field("temperature", self.temperature, "0 = greedy");
    field("max_tokens", self.max_tokens, "longest answer");
    field("seed", self.seed, "of sampling");
  }
};

// What only a vector can tell about the settings, in words: "the norms of unit
// rel", "the statistics of operator leace". Empty with a vector.
std::vector<std::string> waiting_for_vector(const SteeringSettings& settings);

struct SteeredReply {
  std::string plain;
  std::string steered;
};

struct ViewedToken {
  std::string text;
  double projection = 0.0;  // u.h
};
struct TokenView {
  std::int64_t layer = 0;
  std::vector<ViewedToken> tokens;  // prompt and answer
  std::int64_t prompt_length = 0;
};

// Not safe to share between threads.
class SteeringSession {
 public:
  // `run` may be empty; otherwise its adapter and vectors can be named and
  // its model is taken when `model` is empty. Throws Error on what cannot be
  // loaded.
  SteeringSession(const std::filesystem::path& run, const std::string& model,
                  const std::filesystem::path& adapter,
                  const RunSettings& machine);
  SteeringSession(const SteeringSession&) = delete;
  SteeringSession& operator=(const SteeringSession&) = delete;

  // The best induction (base) or suppression (tuned) of the run's report, as
  // settings; empty when the run has none.
  std::optional<SteeringSettings> best_of_run(std::string_view model) const;

  // Throws Error if the settings do not fit: a vector of another model, a
  // layer out of range, an unknown operator, a unit or operator whose
  // statistic the run does not have. The settings before stay then. Without a
  // vector all is checked but waiting_for_vector(), and layers may be missing.
  void set(const SteeringSettings& settings);
  const SteeringSettings& settings() const { return settings_; }

  // Answers the question with and without steering and remembers both turns.
  SteeredReply ask(const std::string& question);
  void forget_turns();

  // Prompt and answer of the last question token by token, each with its
  // projection u.h on the vector at the first layer that acts (the middle one
  // where all do): what a person sees as colour. Throws Error before the first
  // question and without a vector.
  TokenView tokens(bool steered);

  // What a user should know of how the model's files were understood.
  const std::vector<std::string>& notes() const { return format_.notes(); }

  // Names of the vectors of the run folder.
  std::vector<std::string> vector_names() const;
  std::int64_t num_layers() const;

 private:
  struct LastText {
    std::vector<std::int32_t> ids;
    std::int64_t prompt_length = 0;
  };

  GenerationRequest request_for(std::span<const ChatMessage> turns,
                                std::int64_t configuration) const;
  double strength_of(const SteeringSettings& settings) const;
  // Edits of the settings; none without a vector.
  std::vector<SiteEdit> edits_of(const SteeringSettings& settings);

  std::filesystem::path run_;
  ChatFormat format_;
  Transformer model_;
  SteeringSettings settings_;
  VectorShelf shelf_;
  std::array<LastText, 2> last_;  // plain, steered
  std::vector<ChatMessage> plain_turns_;
  std::vector<ChatMessage> steered_turns_;
};

}  // namespace veer
