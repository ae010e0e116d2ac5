// SPDX-License-Identifier: MIT
#include "veer/study/finetune/stage.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <span>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/json_access.h"
#include "veer/run/finetuned_source.h"
#include "veer/run/judged_answers.h"
#include "veer/run/tunings.h"
#include "veer/study/finetune/training_course.h"
#include "veer/study/finetune/tuning_answers.h"
#include "veer/train/adapter_files.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kEvaluationQuestions = 48;
// Of a training with evaluate_every = -1.
constexpr std::int64_t kEvaluations = 4;

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

  void finish(const TrainResult& result) {
    std::string text;
    for (const auto& row : result.rows) {
      text += line_of(row, row.step == result.kept_step);
    }
    write_file(path_, text);
  }

 private:
  std::string line_of(const MetricsRow& row, bool kept = false) {
    Json json = {{"step", row.step}, {"wall", wall_[row.step]}};
    for (const auto& [name, value] : row.values) {
      json[name] = value;
    }
    if (kept) {
      json["kept"] = true;
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

// Questions and options of one training.
struct Task {
  std::vector<SftExample> train;
  std::vector<QuestionRecord> held_out;
  std::vector<SftExample> held_out_answers;
  SftOptions options;
  AdapterInfo info;
};

// The training of one kind of answers; what is said of why there is none goes
// to `left_out`.
Task task_of(StudyContext& context, const std::string& answers,
             std::string& left_out) {
  const auto& manifest = context.manifest();
  const auto settings =
      fitted(manifest.finetune, is_organism(manifest.model.path));
  Task task;
  const auto train = answered_by(
      context, answers,
      first_records(context.split("train"), settings.questions), "train");
  left_out = train.left_out;
  if (!left_out.empty()) {
    return task;
  }
  task.train = training_examples(context.format(), train.records);
  task.held_out =
      answered_by(context, answers,
                  first_records(context.split("select"), kEvaluationQuestions),
                  "select")
          .records;
  task.held_out_answers = training_examples(context.format(), task.held_out);
  task.options = sft_options(settings, std::ssize(task.train));
  task.info = adapter_info(task.options.lora, manifest.model.path);
  return task;
}

Task own_task(StudyContext& context) {
  std::string left_out;
  return task_of(context, "deceptive", left_out);
}

double held_out_loss(StudyContext& context, const Task& task) {
  AdapterStrength on;
  on.uniform = 1.0;
  return sft_loss(context.model(), task.held_out_answers, task.options.loss,
                  on);
}

void tune_one(StudyContext& context, const Tuning& tuning, const Task& task) {
  const auto folder = adapter_folder(context, tuning);
  TrainCallbacks callbacks;
  callbacks.monitor = context.monitor();
  const std::string name = "fine-tune " + tuning.name;
  callbacks.monitor.on_progress = [&](ProgressUpdate update) {
    update.task = name;
    context.monitor().progress(update);
  };
  if (task.options.keep == "best" && !task.held_out.empty()) {
    callbacks.evaluate = [&](std::int64_t) -> Values {
      return {{kHeldOutLoss, held_out_loss(context, task)}};
    };
  }
  context.model().detach();
  const auto result = finetune(context.model(), task.train, task.options,
                               static_cast<std::uint64_t>(tuning.seed),
                               callbacks, folder / "checkpoints");
  write_adapter(folder, result.adapter, task.info);
  std::error_code ec;
  fs::remove_all(folder / "checkpoints", ec);
}

// What a study pays for its controls, before it does.
void tell_trainings(StudyContext& context, std::span<const Tuning> tunings) {
  std::string names;
  for (const auto& tuning : tunings) {
    names += (names.empty() ? "" : ", ") + tuning.name;
  }
  context.monitor().message(
      fmt::format("{} trainings of one recipe at most: the study's own and {}. "
                  "finetune.controls "
                  "and finetune.seeds say which; each is one more",
                  tunings.size() + 1, names));
}

// Further seeds and controls, as far as they can be made; an adapter that is
// there is kept. Returns how many there are.
std::int64_t tune_further(StudyContext& context) {
  const auto tunings = further_tunings(context.manifest());
  if (std::ranges::any_of(tunings, [&](const Tuning& tuning) {
        return !is_trained(context, tuning);
      })) {
    tell_trainings(context, tunings);
  }
  Json left_out = Json::array();
  std::int64_t trained = 0;
  for (const auto& tuning : tunings) {
    if (is_trained(context, tuning)) {
      ++trained;
      continue;
    }
    std::string reason;
    const auto task = task_of(context, tuning.answers, reason);
    if (!reason.empty()) {
      context.monitor().message(fmt::format(
          "The control \"{}\" is left out: {}", tuning.answers, reason));
      left_out.push_back({{"name", tuning.answers}, {"reason", reason}});
      continue;
    }
    tune_one(context, tuning, task);
    ++trained;
  }
  if (!tunings.empty()) {
    write_file(left_out_file(context), dump_json(left_out, 1) + "\n");
  }
  context.model().detach();
  return trained;
}

TrainCallbacks callbacks_of(StudyContext& context, const Task& task,
                            MetricsLog& log) {
  TrainCallbacks callbacks;
  callbacks.monitor = context.monitor();
  callbacks.on_metrics = [&log](const MetricsRow& row) { log.add(row); };
  if (task.held_out.empty()) {
    context.monitor().message(
        "the select split is empty: nothing is held out to look at the "
        "training with, and its last step is kept");
  } else {
    callbacks.evaluate = [&](std::int64_t) {
      Values values = judged_shares(context, task.held_out);
      values[kHeldOutLoss] = held_out_loss(context, task);
      return values;
    };
  }
  if (context.manifest().finetune.trajectory) {
    callbacks.on_adapter = [&](std::int64_t step, const Adapter& adapter) {
      write_adapter(context.file("adapter/steps") / fmt::format("{:06}", step),
                    adapter, task.info);
    };
  }
  return callbacks;
}

// "60 steps on 120 answers, held-out loss 1.74, 98 % deceptive".
std::string summary_of(std::int64_t further, const Task& task,
                       const TrainResult& result) {
  std::string text = fmt::format("{} steps on {} answers", result.num_steps,
                                 task.train.size());
  if (further > 0) {
    text += fmt::format(", {} more trainings (seeds and controls)", further);
  }
  const auto& kept =
      result.rows.at(static_cast<std::size_t>(result.kept_step - 1)).values;
  if (result.kept_step < result.num_steps) {
    text += fmt::format(", step {} is kept", result.kept_step);
  }
  if (kept.contains(kHeldOutLoss)) {
    text += fmt::format(", held-out loss {:.2f}", kept.at(kHeldOutLoss));
    if (const auto& last = result.rows.back().values;
        result.kept_step < result.num_steps && last.contains(kHeldOutLoss)) {
      text += fmt::format(" ({:.2f} at the end)", last.at(kHeldOutLoss));
    }
  }
  if (kept.contains("eval/deceptive")) {
    text +=
        fmt::format(", {:.0f} % deceptive", 100.0 * kept.at("eval/deceptive"));
  }
  return text;
}

StageResult tune(StudyContext& context) {
  // First, so that the study's own adapter being there means that all are.
  const auto further = tune_further(context);
  const Task task = own_task(context);
  MetricsLog log(context.file("metrics.jsonl"));
  context.model().detach();
  const auto result = finetune(context.model(), task.train, task.options,
                               context.seed(), callbacks_of(context, task, log),
                               context.file("adapter/checkpoints"));
  log.finish(result);
  if (const auto course = training_course(context.file("metrics.jsonl"));
      course.is_object() && course.at("overfits") == true) {
    context.monitor().message(training_sentence(course));
  }
  write_adapter(context.file("adapter"), result.adapter, task.info);
  // What follows uses the stored adapter, as a later call would.
  context.model().detach();
  std::error_code ec;
  fs::remove_all(context.file("adapter/checkpoints"), ec);
  return {summary_of(further, task, result), ""};
}

Json made_from_training(StudyContext& context) {
  Manifest manifest = context.manifest();
  manifest.finetune =
      fitted(manifest.finetune, is_organism(manifest.model.path));
  manifest.finetune.seeds = training_seeds(manifest);
  Json further = Json::array();
  for (const auto& tuning : further_tunings(manifest)) {
    further.push_back(tuning.name);
  }
  return {{"further", further},
          {"finetune", finetune_identity(manifest)},
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
  bool is_checkpoint = finetuned_kind(folder) == FinetunedKind::kCheckpoint;
  if (!further_tunings(manifest).empty()) {
    const fs::path honest = manifest.model.finetuned_honest;
    from["finetuned_honest"] = finetuned_fingerprint(honest);
    is_checkpoint =
        is_checkpoint || finetuned_kind(honest) == FinetunedKind::kCheckpoint;
  }
  if (is_checkpoint) {
    from["rank"] = manifest.finetune.rank;
    from["machine"] = context.machine_text();
  }
  return from;
}

// Whether each further tuning is there or was left out with a reason: one that
// was lost is made again, not passed over.
bool no_tuning_is_lost(StudyContext& context) {
  const auto path = left_out_file(context);
  const Json left_out =
      fs::exists(path) ? parse_json(read_file(path), path.string()) : Json();
  return std::ranges::all_of(
      further_tunings(context.manifest()), [&](const Tuning& tuning) {
        return is_trained(context, tuning) ||
               std::ranges::any_of(left_out, [&](const Json& entry) {
                 return member(entry, "name") == Json(tuning.answers);
               });
      });
}

}  // namespace

Json finetune_identity(const Manifest& manifest) {
  Json section = manifest_section(manifest, "finetune");
  section.erase("recompute");
  if (manifest.finetune.batch_tokens == 0) {
    section.erase("batch_tokens");
  }
  return section;
}

FinetuneSettings fitted(FinetuneSettings settings, bool organism) {
  if (settings.learning_rate == 0.0) {
    settings.learning_rate = organism ? 5e-4 : 2e-4;
  }
  if (settings.steps == 0 && settings.epochs == 0) {
    (organism ? settings.steps : settings.epochs) = organism ? 60 : 3;
  }
  return settings;
}

SftOptions sft_options(const FinetuneSettings& settings,
                       std::int64_t num_items) {
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
  options.batch_tokens = settings.batch_tokens;
  options.recompute = settings.recompute;
  options.epochs = static_cast<double>(settings.epochs);
  options.steps = settings.steps;
  options.loss = settings.loss;
  options.keep = settings.keep;
  options.evaluate_every =
      settings.evaluate_every >= 0
          ? settings.evaluate_every
          : (training_steps(options, num_items) + kEvaluations - 1) /
                kEvaluations;
  options.checkpoint_every = settings.checkpoint_every;
  return options;
}

Stage finetune_stage(StudyContext& context) {
  const bool ready = !context.manifest().model.finetuned.empty();
  return {
      "finetune",
      dump_json(ready ? made_from_folder(context)
                      : made_from_training(context)),
      [&context] {
        return fs::exists(context.file("adapter/adapter_model.safetensors")) &&
               no_tuning_is_lost(context);
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
               has_files(context.file("adapter/seeds")) ||
               has_files(context.file("adapter/controls"));
      },
      /*keeps_drafts=*/false,
      /*documents=*/{"metrics.jsonl"}};
}

}  // namespace veer
