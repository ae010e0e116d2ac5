// SPDX-License-Identifier: MIT
#include "veer/study/study.h"

#include <algorithm>
#include <ctime>
#include <fstream>

#include <ATen/Parallel.h>
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <torch/version.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/json.h"
#include "veer/base/version.h"
#include "veer/run/context.h"
#include "veer/run/extract_inputs.h"
#include "veer/run/finetuned_source.h"
#include "veer/run/judge_making.h"
#include "veer/run/machine.h"
#include "veer/run/tuned_model.h"
#include "veer/study/claims_document.h"
#include "veer/study/dataset/stage.h"
#include "veer/study/early_checks.h"
#include "veer/study/finetune/stage.h"
#include "veer/study/judge/stage.h"
#include "veer/study/summary/summary.h"
#include "veer/study/sweep/stage.h"
#include "veer/study/vectors/stages.h"

namespace veer {
namespace {

std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  std::string line;
  while (std::getline(in, line)) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown processor";
}

// Day of the run in local time, 2026-11-25.
std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%F", &parts);
  return text;
}

Json run_json(const std::vector<StageOutcome>& outcomes,
              const StudyRequest& request) {
  Json stages = Json::array();
  for (const auto& outcome : outcomes) {
    stages.push_back({{"name", outcome.name},
                      {"seconds", outcome.seconds},
                      {"summary", outcome.summary},
                      {"reused", outcome.reused},
                      {"fingerprint", outcome.fingerprint}});
  }
  return {{"veer", version()},
          {"date", today()},
          {"torch", TORCH_VERSION},
          {"machine", processor_name()},
          {"threads", at::get_num_threads()},
          {"command", request.command_line},
          {"stages", stages}};
}

// What the report is made from: every file that it reads.
Stage report_stage(StudyContext& context, const StudyCallbacks& callbacks) {
  Json files = Json::object();
  for (const char* name :
       {"dataset/check.json", "metrics.jsonl", "adapter/origin.json",
        "comparison.json", "sweep.json", "judges.json", "hypotheses.json",
        "summary.json", "manifest.toml"}) {
    const auto path = context.file(name);
    files[name] =
        std::filesystem::exists(path) ? fingerprint_file(path.string()) : "";
  }
  const auto path = context.file("report.html");
  return {"report",
          dump_json({{"report", manifest_section(context.manifest(), "report")},
                     {"files", files}}),
          [path] { return std::filesystem::exists(path); },
          [&context, &callbacks, path]() -> StageResult {
            callbacks.write_report(context.store().folder());
            return {path.string(), ""};
          }};
}

Stage make_stage(StudyContext& context, const std::string& name,
                 const StudyCallbacks& callbacks) {
  if (name == "dataset") {
    return dataset_stage(context);
  }
  if (name == "finetune") {
    return finetune_stage(context);
  }
  if (name == "extract") {
    return extract_stage(context);
  }
  if (name == "compare") {
    return compare_stage(context);
  }
  if (name == "sweep") {
    return sweep_stage(context);
  }
  if (name == "judge") {
    return judge_stage(context);
  }
  return report_stage(context, callbacks);
}

void write_manifest(StudyContext& context, bool only_if_absent) {
  const auto path = context.file("manifest.toml");
  const std::string text = manifest_toml(context.manifest());
  const bool exists = std::filesystem::exists(path);
  if (exists && (only_if_absent || read_file(path) == text)) {
    return;
  }
  write_file(path, text);
}

// A key that is missing is found now and not after the sweep.
void require_judges_to_come(StudyContext& context,
                            const StudyRequest& request) {
  const auto row = context.store().stage("judge");
  if (request.last_stage == "report" && !(row && row->done)) {
    require_judges(context.manifest().judge);
  }
}

}  // namespace

const std::vector<std::string>& stage_names() {
  static const std::vector<std::string> names = {
      "dataset", "finetune", "extract", "compare", "sweep", "judge", "report"};
  return names;
}

std::vector<StageOutcome> run_study(const Manifest& given,
                                    const StudyRequest& request,
                                    const StudyCallbacks& callbacks) {
  require_one_model(given, "study");
  const Manifest asked = without_twins(given);
  // By all of the settings, not by how far this call goes: a stage must not
  // change when a later call goes further.
  const Manifest manifest = without_pair_lines(
      needs_tuned(asked, "report") ? asked : without_tuned(asked));
  validate(manifest);  // a twin that is left out cannot be swept either
  manifest_specs(manifest.extract);  // every name, before any work
  const bool tunes = needs_tuned(manifest, request.last_stage);
  // A wrong path makes no run folder.
  require_layers(manifest, model_folder(manifest.model.path),
                 request.last_stage);
  if (!manifest.model.finetuned.empty()) {
    finetuned_kind(manifest.model.finetuned);
    if (!manifest.model.finetuned_honest.empty()) {
      finetuned_kind(manifest.model.finetuned_honest);
      require_two_models(manifest.model);
    }
  }
  require_store(request.folder, request.redo);
  RunStore store(request.folder);
  StudyContext context(manifest, store, callbacks.monitor);
  require_judges_to_come(context, request);
  write_manifest(context, /*only_if_absent=*/true);
  if (const auto fewer = asked.sweep.grid.size() - manifest.sweep.grid.size();
      fewer > 0) {
    context.monitor().message(fmt::format(
        "{} of {} lines of sweep.grid are left out: they need a contrastive "
        "and a fine-tuned vector, and extract.vectors does not name both",
        fewer, asked.sweep.grid.size()));
  }
  if (asked.extract.vectors.size() < given.extract.vectors.size()) {
    context.monitor().message(
        "The twin vectors are left out: the study has no model tuned on honest "
        "answers (finetune.controls, model.finetuned_honest)");
  }
  if (const auto unused = unused_training_keys(manifest); !unused.empty()) {
    context.monitor().message("Nothing is trained beside model.finetuned: " +
                              unused + " is set and not used");
  }
  std::vector<StageOutcome> outcomes;
  for (const auto& name : stage_names()) {
    if (name == "judge" && manifest.judge.further.empty()) {
      continue;
    }
    if (name == "finetune" && !tunes) {
      context.begin(name);
      context.monitor().message(
          "nothing is trained: no vector asks for the tuned model");
      continue;
    }
    if (name == "report") {
      write_manifest(context, /*only_if_absent=*/false);
      write_claims(context);
      write_summary(context, run_json(outcomes, request));
    }
    context.begin(name);
    // A report is cheap and loses nothing: it is always made anew.
    const bool redo = request.redo || name == "report";
    outcomes.push_back(run_stage(store, make_stage(context, name, callbacks),
                                 redo, callbacks.monitor));
    if (!outcomes.back().reused) {
      write_manifest(context, /*only_if_absent=*/false);
    }
    if (callbacks.on_stage) {
      callbacks.on_stage(outcomes.back());
    }
    if (name == request.last_stage) {
      break;
    }
  }
  if (request.last_stage == "compare" || request.last_stage == "sweep") {
    write_claims(context);
  }
  return outcomes;
}

}  // namespace veer
