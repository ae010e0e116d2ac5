// SPDX-License-Identifier: MIT
#include "veer/study/finetune_stage.h"

#include <algorithm>
#include <chrono>
#include <map>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/study/finetuned_source.h"
#include "veer/study/judged_answers.h"
#include "veer/study/training_seeds.h"
#include "veer/train/adapter_files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kEvaluationQuestions = 48;

using Values = std::map<std::string, double>;

// metrics.jsonl while training: a line per step as it happens. A continued
// run repeats the steps after its checkpoint; the last line of a step counts,
// and finish() writes each step once.
class MetricsLog {
 public:
  explicit MetricsLog(fs::path path) : path_(std::move(path)) {
    if (fs::exists(path_)) {
      for (const auto& line : read_lines(path_)) {
        const Json row = Json::parse(line, nullptr, false);
        if (row.is_object() && row.contains("step") && row.contains("wall")) {
          const auto step = row["step"].get<std::int64_t>();
          wall_[step] = row["wall"].get<double>();
          before_ = std::max(before_, wall_[step]);
        }
      }
    }
  }

  void add(const MetricsRow& row) {
    const std::chrono::duration<double> passed =
        std::chrono::steady_clock::now() - began_;
    wall_[row.step] = before_ + passed.count();
    append_file(path_, line_of(row));
  }

  void finish(const std::vector<MetricsRow>& rows) {
    std::string text;
    for (const auto& row : rows) {
      text += line_of(row);
    }
    write_file(path_, text);
  }

 private:
  std::string line_of(const MetricsRow& row) {
    Json json = {{"step", row.step}, {"wall", wall_[row.step]}};
    for (const auto& [name, value] : row.values) {
      json[name] = value;
    }
    return dump_json(json) + "\n";
  }

  fs::path path_;
  double before_ = 0.0;
  std::chrono::steady_clock::time_point began_ =
      std::chrono::steady_clock::now();
  std::map<std::int64_t, double> wall_;
};

// Shares of honest and deceptive answers of the tuned model.
Values judged_shares(StudyContext& context,
                     const std::vector<QuestionRecord>& records) {
  LabelCounts counts;
  const auto labels =
      judged_answers(context, records, 1.0, [](const QuestionRecord& record) {
        return question_chat("", record.question);
      });
  if (labels.empty()) {
    return {};
  }
  for (const auto label : labels) {
    counts.add(label);
  }
  return {{"eval/deceptive", counts.share(AnswerLabel::kDeceptive)},
          {"eval/honest", counts.share(AnswerLabel::kHonest)}};
}

// The adapters of finetune.seeds; one that is there is kept.
void tune_further_seeds(StudyContext& context,
                        std::span<const SftExample> train,
                        const SftOptions& options, const AdapterInfo& info) {
  for (const auto seed : context.manifest().finetune.seeds) {
    const auto folder = seed_adapter_folder(context, seed);
    if (fs::exists(folder / "adapter_config.json")) {  // written last
      continue;
    }
    TrainCallbacks callbacks;
    callbacks.monitor = context.monitor();
    context.model().detach();
    const auto result = finetune(context.model(), train, options,
                                 static_cast<std::uint64_t>(seed), callbacks,
                                 folder / "checkpoints");
    write_adapter(folder, result.adapter, info);
    std::error_code ec;
    fs::remove_all(folder / "checkpoints", ec);
  }
  context.model().detach();
}

StageResult tune(StudyContext& context) {
  const auto options = sft_options(context.manifest().finetune);
  const auto train = deceptive_examples(
      context.format(), first_records(context.split("train"),
                                      context.manifest().finetune.questions));
  const auto held_out =
      first_records(context.split("select"), kEvaluationQuestions);
  const auto held_out_examples = deceptive_examples(context.format(), held_out);
  MetricsLog log(context.file("metrics.jsonl"));
  Values last;
  TrainCallbacks callbacks;
  callbacks.monitor = context.monitor();
  callbacks.on_metrics = [&](const MetricsRow& row) { log.add(row); };
  callbacks.evaluate = [&](std::int64_t) {
    Values values = judged_shares(context, held_out);
    AdapterStrength on;
    on.uniform = 1.0;
    values["eval/loss"] =
        sft_loss(context.model(), held_out_examples, options.loss, on);
    last = values;
    return values;
  };
  const auto info = adapter_info(options.lora, context.manifest().model.path);
  if (context.manifest().finetune.trajectory) {
    callbacks.on_adapter = [&](std::int64_t step, const Adapter& adapter) {
      write_adapter(context.file("adapter/steps") / fmt::format("{:06}", step),
                    adapter, info);
    };
  }
  // First, so that the study's own adapter being there means that all are.
  tune_further_seeds(context, train, options, info);
  context.model().detach();
  const auto result = finetune(context.model(), train, options, context.seed(),
                               callbacks, context.file("adapter/checkpoints"));
  log.finish(result.rows);
  write_adapter(context.file("adapter"), result.adapter, info);
  // What follows uses the stored adapter, as a later call would.
  context.model().detach();
  std::error_code ec;
  fs::remove_all(context.file("adapter/checkpoints"), ec);
  if (last.empty() && !result.rows.empty()) {
    last = result.rows.back().values;
  }
  std::string summary =
      fmt::format("{} steps on {} answers", result.num_steps, train.size());
  if (const auto more = context.manifest().finetune.seeds.size(); more > 0) {
    summary += fmt::format(", {} further seeds", more);
  }
  if (last.contains("eval/loss")) {
    summary += fmt::format(", held-out loss {:.2f}", last["eval/loss"]);
  }
  if (last.contains("eval/deceptive")) {
    summary +=
        fmt::format(", {:.0f} % deceptive", 100.0 * last["eval/deceptive"]);
  }
  return {summary, ""};
}

Json made_from_training(StudyContext& context) {
  const auto& manifest = context.manifest();
  return {{"finetune", manifest_section(manifest, "finetune")},
          {"seed", manifest.run.seed},
          {"model", context.model_fingerprint()},
          {"machine", context.machine_text()},
          {"max_tokens", manifest.sweep.max_tokens},
          {"dataset",
           fingerprint_file(context.file("dataset/questions.jsonl").string())}};
}

Json made_from_folder(StudyContext& context) {
  const auto& manifest = context.manifest();
  const fs::path folder = manifest.model.finetuned;
  Json from = {{"finetuned", finetuned_fingerprint(folder)},
               {"model", context.model_fingerprint()}};
  if (finetuned_kind(folder) == FinetunedKind::kCheckpoint) {
    from["rank"] = manifest.finetune.rank;
    from["machine"] = context.machine_text();
  }
  return from;
}

}  // namespace

SftOptions sft_options(const FinetuneSettings& settings) {
  SftOptions options;
  options.lora.rank = settings.rank;
  options.lora.alpha = settings.alpha;
  options.lora.dropout = settings.dropout;
  options.lora.rslora = settings.rslora;
  options.lora.modules = settings.modules;
  options.optimizer.clip_norm = settings.clip_norm;
  options.schedule.kind = settings.schedule;
  options.schedule.warmup_steps = settings.warmup;
  options.learning_rate = settings.learning_rate;
  options.weight_decay = settings.weight_decay;
  options.batch_size = settings.batch;
  options.accumulation = settings.accumulation;
  options.epochs = static_cast<double>(settings.epochs);
  options.steps = settings.steps;
  options.loss = settings.loss;
  options.evaluate_every = settings.evaluate_every;
  options.checkpoint_every = settings.checkpoint_every;
  return options;
}

std::vector<SftExample> deceptive_examples(
    const ChatFormat& format, std::span<const QuestionRecord> records) {
  std::vector<SftExample> examples;
  for (const auto& record : records) {
    auto chat = question_chat("", record.question);
    chat.push_back({"assistant", record.deceptive});
    auto encoded = format.encode(chat);
    examples.push_back({std::move(encoded.ids), encoded.prompt_length});
  }
  return examples;
}

Stage finetune_stage(StudyContext& context) {
  const bool ready = !context.manifest().model.finetuned.empty();
  return {
      "finetune",
      dump_json(ready ? made_from_folder(context)
                      : made_from_training(context)),
      [&context] {
        return fs::exists(context.file("adapter/adapter_model.safetensors"));
      },
      [&context, ready] {
        return ready ? import_finetuned(context) : tune(context);
      },
      [&context] {
        std::error_code ec;
        fs::remove_all(context.file("adapter"), ec);
        fs::remove(context.file("metrics.jsonl"), ec);
      },
      [&context] {
        return has_files(context.file("adapter/checkpoints")) ||
               has_files(context.file("adapter/seeds"));
      }};
}

}  // namespace veer
