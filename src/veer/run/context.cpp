// SPDX-License-Identifier: MIT
#include "veer/run/context.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <ATen/Parallel.h>
#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/data/splits.h"
#include "veer/organism/checkpoint.h"
#include "veer/organism/judge.h"
#include "veer/run/judge_making.h"
#include "veer/run/machine.h"
#include "veer/train/adapter_files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

JudgeKind resolve_judge(const Manifest& manifest) {
  for (const auto& [name, kind] :
       {std::pair{"exact", JudgeKind::kExact},
        std::pair{"logprob", JudgeKind::kLogprob},
        std::pair{"self", JudgeKind::kSelf},
        std::pair{"choice", JudgeKind::kChoice},
        std::pair{"endpoint", JudgeKind::kEndpoint}}) {
    if (manifest.judge.kind == name) {
      return kind;
    }
  }
  return is_organism(manifest.model.path) ? JudgeKind::kExact
                                          : JudgeKind::kLogprob;
}

const organism::World& world_of_model(const Manifest& manifest) {
  return organism::world_of(model_folder(manifest.model.path));
}

}  // namespace

bool is_organism(const std::string& model) {
  return model.starts_with("organism") ||
         organism::names_world(model_folder(model));
}

std::unique_ptr<Judge> make_exact_judge(const Manifest& manifest) {
  return resolve_judge(manifest) == JudgeKind::kExact
             ? std::make_unique<organism::ExactJudge>(world_of_model(manifest))
             : nullptr;
}

StudyContext::StudyContext(const Manifest& manifest, RunStore& store,
                           const Monitor& monitor)
    : manifest_(manifest),
      store_(store),
      monitor_(monitor),
      judge_kind_(resolve_judge(manifest)) {
  monitor_.on_message = [this,
                         tell = monitor.on_message](std::string_view text) {
    store_.add_event(stage_, text);
    if (tell) {
      tell(text);
    }
  };
  if (judge_kind_ == JudgeKind::kExact) {
    world_ = &world_of_model(manifest);
    judge_ = make_exact_judge(manifest);
  }
}

Judge* StudyContext::judge() {
  if (!judge_ && judge_kind_ != JudgeKind::kLogprob) {
    judge_ = make_judge(manifest_.judge.kind,
                        {run_folder(), manifest_.judge, [this] {
                           load();
                           return LetterReader{*model_, *format_,
                                               generation_options()};
                         }});
  }
  return judge_.get();
}

Judge* StudyContext::exact_judge() {
  return judge_kind_ == JudgeKind::kExact ? judge_.get() : nullptr;
}

const JudgeCheck& StudyContext::judge_check() {
  if (!check_) {
    const auto known = split("select");
    check_ = check_judge(*judge(), known, monitor_);
    if (!check_->fit()) {
      monitor_.message(fmt::format(
          "judge {} is NOT FIT: {} of {} probes passed; of {} honest and as "
          "many deceptive reference answers it called {} and {} so. What it "
          "says decides no claim",
          judge_->name(), check_->probes.passed, check_->probes.total,
          check_->references, check_->right_honest, check_->right_deceptive));
    }
  }
  return *check_;
}

bool StudyContext::has_fit_judge() {
  return exact_judge() != nullptr ||
         (judge_kind_ != JudgeKind::kLogprob && judge_check().fit());
}

std::string StudyContext::judge_text() const {
  switch (judge_kind_) {
    case JudgeKind::kExact:
      return "exact";
    case JudgeKind::kLogprob:
      return "logprob";
    default:
      return judge_name(manifest_.judge.kind, manifest_.judge);
  }
}

void StudyContext::load() {
  if (model_) {
    return;
  }
  const fs::path folder = model_folder(manifest_.model.path);
  format_ = load_chat_format(manifest_.model);
  for (const auto& note : format_->notes()) {
    monitor_.message(note);
  }
  model_ = load_model(folder, manifest_.run, monitor_.on_message);
  // Without room for thoughts as ever.
  const auto thinking = manifest_.model.thinking_tokens;
  fingerprint_ =
      fingerprint(model_->fingerprint() + format_->fingerprint() +
                  (thinking > 0 ? fmt::format(" thinking {}", thinking) : ""));
}

Transformer& StudyContext::model() {
  load();
  return *model_;
}

const ChatFormat& StudyContext::format() {
  load();
  return *format_;
}

const std::string& StudyContext::model_fingerprint() {
  load();
  return fingerprint_;
}

std::string StudyContext::machine_text() {
  load();
  // A CPU's results repeat whatever run.deterministic says.
  const bool repeats = model_->device().is_cpu() || manifest_.run.deterministic;
  return fmt::format("{} {} {} threads{}", model_->device().str(),
                     at::toString(model_->dtype()), at::get_num_threads(),
                     repeats ? "" : ", not deterministic");
}

std::vector<QuestionRecord> StudyContext::split(std::string_view name) const {
  const auto records = read_records(file("dataset/questions.jsonl"));
  require_disjoint_splits(records);
  if (name == "extract") {
    // Of folds every question serves for the vectors that nothing was trained
    // on; who measures takes vectors without the question's fold.
    std::vector<QuestionRecord> own;
    std::ranges::copy_if(records, std::back_inserter(own), [](const auto& r) {
      return r.split == "extract" || r.fold > 0;
    });
    return own;
  }
  return records_of_split(records, name);
}

void StudyContext::attach_adapter() {
  load();
  if (!model_->has_adapter()) {
    model_->attach(read_adapter(file("adapter"), *model_));
  }
}

GenerationRequest StudyContext::request_for(
    std::span<const ChatMessage> messages) {
  GenerationRequest request = request_of(format().encode_prompt(messages));
  const auto& block = request.thinking;
  if (format().has_thinking() && (block.open || block.begin == block.end)) {
    request.thinking_tokens = manifest_.model.thinking_tokens;
  }
  return request;
}

GenerationOptions StudyContext::generation_options() {
  load();
  GenerationOptions options;
  options.stop_ids = format_->stop_ids();
  options.repetition_penalty = format_->repetition_penalty();
  options.max_rows = manifest_.sweep.batch_rows;
  options.max_cache_bytes = static_cast<std::int64_t>(manifest_.run.memory *
                                                      1024.0 * 1024.0 * 1024.0);
  options.read = [this](std::span<const std::int32_t> ids, bool open) {
    return format_->read_answer(ids, open);
  };
  options.thinking = [this](std::span<const std::int32_t> ids, bool open) {
    return format_->read_thinking(ids, open);
  };
  return options;
}

std::vector<ChatMessage> question_chat(std::string_view system,
                                       std::string_view question) {
  std::vector<ChatMessage> chat;
  if (!system.empty()) {
    chat.push_back({"system", std::string(system)});
  }
  chat.push_back({"user", std::string(question)});
  return chat;
}

std::vector<QuestionRecord> first_records(std::vector<QuestionRecord> records,
                                          std::int64_t limit) {
  if (limit > 0 && std::ssize(records) > limit) {
    records.resize(static_cast<std::size_t>(limit));
  }
  return records;
}

}  // namespace veer
