// SPDX-License-Identifier: MIT
//
// One model, steered and plain side by side: what `veer steer` is made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "veer/base/progress.h"
#include "veer/model/transformer.h"
#include "veer/study/manifest.h"
#include "veer/text/chat_format.h"
#include "veer/vectors/steering_vector.h"

namespace veer {

// What may be changed between two turns.
struct SteeringSettings {
  std::string model = "base";  // or "tuned"
  std::string vector;          // a file, or a name in the run folder; "" = none
  std::string operation = "add";
  double scale = 1.0;
  std::string unit = "rel";
  std::string layers;  // "3", "2,5", "2-5", "all"
  std::string scope = "all";
  std::string system;
  double temperature = 0.0;
  std::int64_t max_tokens = 64;
  std::int64_t seed = 0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("model", self.model, "base or tuned");
    field("vector", self.vector, "file or name in the run folder");
    field("operator", self.operation, "add, ablate, ... (see docs/methods)");
    field("scale", self.scale, "strength; negative suppresses");
    field("unit", self.unit, "raw, unit, rel, rel_token or sigma");
    field("layers", self.layers, "3 or 2,5 or 2-5 or all");
    field("scope", self.scope, "all, prompt, generated, first:N, from:N");
    field("system", self.system, "system prompt");
    field("temperature", self.temperature, "0 = greedy");
    field("max_tokens", self.max_tokens, "longest answer");
    field("seed", self.seed, "of sampling");
  }
};

struct SteeredReply {
  std::string plain;
  std::string steered;
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

  // The best induction (base) or suppression (tuned) of the run's report, as
  // settings; empty when the run has none.
  std::optional<SteeringSettings> best_of_run(std::string_view model) const;

  // Throws Error if the settings do not fit: a vector of another model, a
  // layer out of range, an unknown operator. Loads the vector.
  void set(const SteeringSettings& settings);
  const SteeringSettings& settings() const { return settings_; }

  // Answers the question with and without steering and remembers both turns.
  SteeredReply ask(const std::string& question);
  void forget_turns();

  // Names of the vectors of the run folder.
  std::vector<std::string> vector_names() const;
  std::int64_t num_layers() const;

 private:
  void load_vector_of(const SteeringSettings& settings);

  std::filesystem::path run_;
  ChatFormat format_;
  Transformer model_;
  SteeringSettings settings_;
  std::optional<SteeringVector> vector_;
  std::string vector_name_;
  std::vector<ChatMessage> plain_turns_;
  std::vector<ChatMessage> steered_turns_;
};

// Layers of "3", "2,5", "2-5"; empty for "all". Throws Error otherwise.
std::vector<std::int64_t> parse_layers(std::string_view text,
                                       std::int64_t num_layers);

}  // namespace veer
