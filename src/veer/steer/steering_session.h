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
#include <utility>
#include <vector>

#include "veer/generation/request.h"
#include "veer/interventions/intervention.h"
#include "veer/model/transformer.h"
#include "veer/settings/manifest.h"
#include "veer/settings/steering_settings.h"
#include "veer/steer/steering_of_run.h"
#include "veer/sweep/vector_shelf.h"
#include "veer/text/chat/chat_format.h"

namespace veer {

struct SteeredReply {
  std::string plain;
  std::string steered;
  // What was thought before the answers of a thinking model.
  std::string plain_thoughts;
  std::string steered_thoughts;
  // In whole sentences: that a vector changed nothing and what would, an answer
  // that its thoughts left no room for.
  std::vector<std::string> notes;
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
  // its model is taken when `model` is empty. `template_vars`: as [model]
  // template_vars; empty = those of the run. Throws Error on what cannot be
  // loaded.
  SteeringSession(const std::filesystem::path& run, const std::string& model,
                  const std::filesystem::path& adapter,
                  const RunSettings& machine,
                  const std::string& template_vars = {});
  SteeringSession(const SteeringSession&) = delete;
  SteeringSession& operator=(const SteeringSession&) = delete;

  // The first induction (base) or suppression (tuned) of the run's report, as
  // settings: a plain addition where the run has one, by the rule of
  // leading_effect.h, with what speaks against it; empty when the run has none.
  // With `vector` that of this one.
  std::optional<BestOfRun> best_of_run(std::string_view model,
                                       std::string_view vector = {}) const;

  // Fills in what a person left open about a vector: the middle layer, or the
  // nearest at which the vector has a direction, where `layers` is empty; unit
  // rel_token for rel where `unit_is_open` and the norms of the model were not
  // measured for it. Returns in whole sentences what was assumed, also about a
  // file of another tool or a vector made with another chat template. Throws
  // Error on a vector that cannot be used.
  std::vector<std::string> settle(SteeringSettings& settings,
                                  bool unit_is_open);

  // Throws Error if the settings do not fit: a vector of another model, a
  // layer out of range, an unknown operator, a unit or operator whose
  // statistic the run does not have. The settings before stay then. Without a
  // vector all is checked but waiting_for_vector(), and layers may be missing.
  void set(const SteeringSettings& settings);
  const SteeringSettings& settings() const { return settings_; }

  // Answers the question with and without steering and remembers both turns.
  // An error leaves the turns as they were.
  SteeredReply ask(const std::string& question);
  // Why the turns so far leave no room for this question and its answer, with
  // the remedies; empty where they do, or no turn before is sent.
  std::string full_context(const std::string& question) const;
  void forget_turns();
  // Turns remembered, and whether the next question is asked with them.
  std::int64_t num_turns() const;
  bool sends_turns() const;

  // Prompt and answer of the last question token by token, each with its
  // projection u.h on the vector at the first layer that acts (the middle one
  // where all do): what a person sees as colour. Throws Error before the first
  // question and without a vector.
  TokenView tokens(bool steered);

  // What a user should know of how the model's files were understood.
  const std::vector<std::string>& notes() const { return notes_; }

  // Folder, family, device, dtype, adapter and context of the model, for
  // people.
  std::vector<std::pair<std::string, std::string>> model_facts() const;

  // Names of the vectors of the run folder.
  std::vector<std::string> vector_names() const;
  std::int64_t num_layers() const;

 private:
  // That of the settings, or of the model's files.
  double repetition_penalty() const;
  struct LastText {
    std::vector<std::int32_t> ids;
    std::int64_t prompt_length = 0;
    PositionRange thinking;
  };

  // `steered` says whose turns go before the question.
  std::vector<ChatMessage> messages_for(const std::string& question,
                                        bool steered) const;
  GenerationRequest request_for(std::span<const ChatMessage> messages,
                                std::int64_t configuration) const;
  // Adds the vector if it is a file.
  void load(const std::string& vector, const VectorWarning& warn = {});
  // Where the written text, as one with its prompt, has its thoughts.
  PositionRange thoughts_in(const GenerationRequest& request,
                            const Completion& written) const;
  double strength_of(const SteeringSettings& settings) const;
  // Edits of the settings; none without a vector.
  std::vector<SiteEdit> edits_of(const SteeringSettings& settings);

  std::filesystem::path run_;
  std::filesystem::path folder_;   // of the model
  std::filesystem::path adapter_;  // empty = none
  bool knows_conversations_ = true;
  ChatFormat format_;
  std::vector<std::string> notes_;  // of the two beside it
  Transformer model_;
  SteeringSettings settings_;
  VectorShelf shelf_;
  std::array<LastText, 2> last_;  // plain, steered
  std::vector<ChatMessage> plain_turns_;
  std::vector<ChatMessage> steered_turns_;
};

}  // namespace veer
