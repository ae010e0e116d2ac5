// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "veer/base/progress.h"
#include "veer/data/record.h"
#include "veer/generation/request.h"
#include "veer/metrics/judge.h"
#include "veer/model/transformer.h"
#include "veer/organism/world.h"
#include "veer/run/judge_check.h"
#include "veer/run/run_store.h"
#include "veer/settings/manifest.h"
#include "veer/text/chat/chat_format.h"

namespace veer {

// What judges every answer: the truth of an organism, a score of the question's
// reference answers, or a judge that reads.
enum class JudgeKind { kExact, kLogprob, kSelf, kChoice, kEndpoint };

// What all stages share: settings, run folder, the model (loaded when first
// asked for) and what goes with it. Not safe to share between threads.
class StudyContext {
 public:
  StudyContext(const Manifest& manifest, RunStore& store,
               const Monitor& monitor);
  StudyContext(const StudyContext&) = delete;
  StudyContext& operator=(const StudyContext&) = delete;

  const Manifest& manifest() const { return manifest_; }
  RunStore& store() { return store_; }
  // The caller's, whose messages are kept in the run as well.
  const Monitor& monitor() const { return monitor_; }
  // Names the stage that messages are about from now on.
  void begin(std::string stage) { stage_ = std::move(stage); }

  Transformer& model();
  const ChatFormat& format();
  // Of weights, configuration, template and tokenizer.
  const std::string& model_fingerprint();
  // What the bytes of a result depend on besides the settings.
  std::string machine_text();

  JudgeKind judge_kind() const { return judge_kind_; }
  // Gives labels; null in a logprob study. Throws Error when it cannot be made.
  Judge* judge();
  // That judge if it knows the truth, otherwise null.
  Judge* exact_judge();
  // Of a judge that reads, asked once: what it says of known answers. Tells
  // the monitor when it is not fit.
  const JudgeCheck& judge_check();
  // Whether there is a judge whose labels mean something.
  bool has_fit_judge();
  // All of the settings that decides about what the judge says.
  std::string judge_text() const;
  // What an organism speaks of; null without an exact judge.
  const organism::World* world() const { return world_; }

  const std::filesystem::path& run_folder() const { return store_.folder(); }
  std::filesystem::path file(std::string_view name) const {
    return run_folder() / name;
  }
  // Questions of one split of dataset/questions.jsonl; with folds "extract" are
  // all that nothing is trained on, and `fold` of a question says which vectors
  // may not have seen it.
  std::vector<QuestionRecord> split(std::string_view name) const;

  // Attaches adapter/ of the run folder unless it is attached already.
  void attach_adapter();

  // A request that goes on from these messages, with the settings' room for
  // thoughts where the prompt leaves any.
  GenerationRequest request_for(std::span<const ChatMessage> messages);

  // Stop tokens, reader and batch size for this model.
  GenerationOptions generation_options();

  std::uint64_t seed() const {
    return static_cast<std::uint64_t>(manifest_.run.seed);
  }

 private:
  void load();

  const Manifest& manifest_;
  RunStore& store_;
  std::string stage_;
  Monitor monitor_;
  JudgeKind judge_kind_ = JudgeKind::kLogprob;
  const organism::World* world_ = nullptr;
  std::unique_ptr<Judge> judge_;
  std::optional<JudgeCheck> check_;
  std::optional<Transformer> model_;
  std::optional<ChatFormat> format_;
  std::string fingerprint_;
};

// Whether `model`, as in model.path, is an embedded model or another one whose
// config.json names a world.
bool is_organism(const std::string& model);

// The exact judge of a study whose model has a world; null without one.
std::unique_ptr<Judge> make_exact_judge(const Manifest& manifest);

// A chat of an optional system prompt and a question.
std::vector<ChatMessage> question_chat(std::string_view system,
                                       std::string_view question);

// The first `limit` records, all when it is 0.
std::vector<QuestionRecord> first_records(std::vector<QuestionRecord> records,
                                          std::int64_t limit);

}  // namespace veer
