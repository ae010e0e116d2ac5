// SPDX-License-Identifier: MIT
#include "veer/run/stage.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/hash.h"
#include "veer/base/json_access.h"
#include "veer/base/settings.h"

namespace veer {
namespace {

// Books the time of a stage when it ends, in whatever way.
class StageClock {
 public:
  StageClock(RunStore& store, std::string name)
      : store_(store), name_(std::move(name)) {}
  ~StageClock() {
    try {
      book();
    } catch (const Error&) {  // the error under way says more
    }
  }
  StageClock(const StageClock&) = delete;
  StageClock& operator=(const StageClock&) = delete;

  void book() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> passed = now - began_;
    began_ = now;
    store_.add_seconds(name_, passed.count());
  }

 private:
  RunStore& store_;
  std::string name_;
  std::chrono::steady_clock::time_point began_ =
      std::chrono::steady_clock::now();
};

// The first key on which two fingerprinted documents differ, for the message.
std::string first_difference(const Json& old_from, const Json& new_from,
                             const std::string& prefix) {
  for (const auto& [key, value] : new_from.items()) {
    if (!old_from.contains(key)) {
      return prefix + key;
    }
    const Json& before = old_from.at(key);
    if (before == value) {
      continue;
    }
    return value.is_object() && before.is_object()
               ? first_difference(before, value, prefix + key + ".")
               : prefix + key;
  }
  return "";
}

// A part of what a stage is made from that is no key of the manifest.
struct PartWords {
  std::string_view stage;  // empty = any
  std::string_view part;
  std::string_view words;
};

constexpr PartWords kWords[] = {
    {"finetune", "further", "finetune.seeds or finetune.controls"},
    {"judge", "further", "judge.further"},
    {"judge", "answers", "judge.answers"},
    {"extract", "prompts", "dataset.honest_prompt or deceptive_prompt"},
    {"sweep", "examples", "report.example_questions or example_layers"},
    {"finetune", "max_tokens", "sweep.max_tokens"},
    {"", "exact_judge", "judge.kind"},
    {"", "seed", "run.seed"},
    {"", "model", "the model's files"},
    {"", "machine", "device, dtype, threads or the program"},
    {"", "rows", "the rows of the vectors"},
    {"", "steps", "the adapters of the kept training steps"},
    {"", "tunings", "the adapters of further seeds and controls"},
    {"", "halves", "the vectors of the trained halves"},
};

std::string in_words(const std::string& stage, const std::string& part) {
  for (const auto& known : kWords) {
    if ((known.stage.empty() || known.stage == stage) &&
        (part == known.part ||
         part.starts_with(std::string(known.part) + "."))) {
      return std::string(known.words);
    }
  }
  return part;
}

[[noreturn]] void refuse(const RunStore& store, const Stage& stage,
                         const StageRow& row) {
  std::string key;
  const Json detail = Json::parse(row.detail, nullptr, false);
  if (detail.is_object() && detail.contains("made_from")) {
    key = first_difference(detail.at("made_from"), Json::parse(stage.made_from),
                           "");
  }
  fail(stage.name,
       fmt::format("{} holds this stage {} with other settings{}",
                   store.folder().string(), row.done ? "made" : "half done",
                   key.empty() ? ""
                               : fmt::format(" (what differs: {})",
                                             in_words(stage.name, key))),
       "the same settings, another --out, or --redo to make it and what "
       "follows anew",
       "a changed manifest, model or data file");
}

// `detail` with what the stage is made from added to it.
Json with_origin(const Stage& stage, const std::string& detail) {
  Json json = detail.empty() ? Json::object() : parse_json(detail, stage.name);
  json["made_from"] = parse_json(stage.made_from, stage.name);
  return json;
}

// Hashes of the documents that are there.
Json document_hashes(const RunStore& store, const Stage& stage) {
  Json hashes = Json::object();
  for (const auto& name : stage.documents) {
    const auto path = store.folder() / name;
    if (std::filesystem::exists(path)) {
      hashes[name] = fingerprint_file(path.string());
    }
  }
  return hashes;
}

// The first document of a finished stage that is not as it was written; empty
// if all are. Runs of an earlier version have kept no hashes.
std::string changed_document(const RunStore& store, const Stage& stage,
                             const StageRow& row) {
  const Json detail = Json::parse(row.detail, nullptr, false);
  const Json& written = member(detail, "documents");
  const Json now = document_hashes(store, stage);
  for (const auto& name : stage.documents) {
    if (written.contains(name) && member(now, name.c_str()) != written[name]) {
      return name;
    }
  }
  return "";
}

[[noreturn]] void refuse_changed(const RunStore& store, const Stage& stage,
                                 const std::string& name) {
  fail(stage.name,
       fmt::format("{} is not as this stage wrote it",
                   (store.folder() / name).string()),
       "the file as it was, or --redo to write it anew from what the run holds",
       "the file was edited, cut short or copied from another run");
}

// Whether something would be lost if the stage were made with other settings.
bool holds_work(RunStore& store, const Stage& stage, const StageRow& row) {
  return row.done || (!stage.keeps_drafts && store.has_drafts(stage.name)) ||
         (stage.has_partial && stage.has_partial());
}

}  // namespace

std::string stage_fingerprint(const Stage& stage) {
  return fingerprint(stage.name +
                     canonical_json(parse_json(stage.made_from, stage.name)));
}

bool has_files(const std::filesystem::path& folder) {
  std::error_code ec;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder, ec)) {
    if (entry.is_regular_file()) {
      return true;
    }
  }
  return false;
}

StageOutcome run_stage(RunStore& store, const Stage& stage, bool redo,
                       const Monitor& monitor) {
  monitor.check_stop(stage.name);
  const std::string print = stage_fingerprint(stage);
  const auto row = store.stage(stage.name);
  const bool same = row && row->fingerprint == print;
  if (same && row->done && stage.is_present()) {
    const auto changed = changed_document(store, stage, *row);
    if (changed.empty()) {
      return {stage.name,      row->summary,        row->seconds,
              /*reused=*/true, /*continued=*/false, print};
    }
    if (!redo) {
      refuse_changed(store, stage, changed);
    }
  }
  if (row && !same && !redo && holds_work(store, stage, *row)) {
    refuse(store, stage, *row);
  }
  if (!same) {
    if (redo || !stage.keeps_drafts) {
      store.forget_drafts(stage.name);
    }
    if (stage.clear) {
      stage.clear();
    }
  }
  StageOutcome outcome{stage.name, "", 0.0, false, same && !row->done, print};
  store.begin_stage(stage.name, print);
  store.set_detail(stage.name, dump_json(with_origin(stage, "")));
  {
    StageClock clock(store, stage.name);
    const StageResult result = stage.run();
    clock.book();
    Json detail = with_origin(stage, result.detail);
    detail["documents"] = document_hashes(store, stage);
    store.finish_stage(stage.name, result.summary, dump_json(detail));
    outcome.summary = result.summary;
    store.forget_drafts(stage.name);
  }
  if (const auto booked = store.stage(stage.name)) {
    outcome.seconds = booked->seconds;
  }
  return outcome;
}

}  // namespace veer
