// SPDX-License-Identifier: MIT
#include "veer/study/models/models_study.h"

#include <algorithm>
#include <optional>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/base/json_access.h"
#include "veer/claims/sweep_evidence.h"
#include "veer/data/record.h"
#include "veer/run/machine.h"
#include "veer/study/models/models_document.h"
#include "veer/tensors/inspect.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

std::int64_t count_parameters(const std::string& model) {
  std::int64_t count = 0;
  for (const auto& tensor : inspect_path(model_folder(model)).tensors) {
    std::int64_t size = 1;
    for (const auto length : tensor.shape) {
      size *= length;
    }
    count += size;
  }
  return count;
}

Json read_document(const fs::path& path) {
  return parse_json(read_file(path), path.string());
}

std::int64_t count_training_questions(const Manifest& manifest,
                                      const fs::path& folder) {
  if (!manifest.model.finetuned.empty()) {
    return 0;
  }
  std::int64_t count = 0;
  for (const auto& record : read_records(folder / "dataset/questions.jsonl")) {
    count += record.split == "train" ? 1 : 0;
  }
  const auto limit = manifest.finetune.questions;
  return limit == 0 ? count : std::min(limit, count);
}

// Share of deceptive answers of the unsteered tuned model on test questions.
std::optional<double> tuned_deceptive(const Json& sweep) {
  if (!why_no_labels(sweep).empty()) {
    return std::nullopt;
  }
  for (const auto& cell : member(sweep, "cells")) {
    const Json& value = member(member(cell, "deceptive"), "value");
    if (string_member(cell, "vector").empty() &&
        string_member(cell, "model") == "tuned" &&
        string_member(cell, "split") == "test" && value.is_number()) {
      return value.get<double>();
    }
  }
  return std::nullopt;
}

ModelResult read_result(const Manifest& manifest, const ListedModel& entry,
                        const fs::path& folder) {
  ModelResult result;
  result.name = manifest.run.name;
  result.path = manifest.model.path;
  result.parameters = count_parameters(manifest.model.path);
  result.stock = entry.stock;
  result.objective = entry.objective;
  result.behaviour = entry.behaviour;
  const Json sweep = read_document(folder / "sweep.json");
  const Json comparison = read_document(folder / "comparison.json");
  const Json& imprint = member(member(comparison, "imprint"), "mean");
  if (imprint.is_number()) {
    result.imprint = imprint.get<double>();
  }
  result.deceptive = tuned_deceptive(sweep);
  result.training_questions = count_training_questions(manifest, folder);
  result.prompted = prompted_answers(sweep);
  result.summary = read_document(folder / "summary.json");
  result.hypotheses = read_document(folder / "hypotheses.json");
  return result;
}

// The study of one model; an error says of which.
void run_named(const Manifest& manifest, const StudyRequest& request,
               const StudyCallbacks& callbacks) {
  try {
    run_study(manifest, request, callbacks);
  } catch (const Error& error) {
    throw Error(error.kind(),
                fmt::format("model {}: {}", manifest.run.name, error.what()));
  }
}

}  // namespace

Json run_models_study(const Manifest& manifest, const StudyRequest& request,
                      const ModelsCallbacks& callbacks) {
  const fs::path& root = request.folder;
  if (fs::exists(root / "run.sqlite")) {
    fail("study", root.string() + " holds the study of one model",
         "another --out for a study of several");
  }
  const auto manifests = manifests_of_models(manifest);
  for (const auto& own : manifests) {
    model_folder(own.model.path);  // all are there before the first is asked
  }
  fs::create_directories(root);
  write_file(root / "manifest.toml", manifest_toml(manifest));
  std::vector<ModelResult> results;
  for (const auto& own : manifests) {
    if (callbacks.on_model) {
      callbacks.on_model(own.run.name, results.size() + 1);
    }
    StudyRequest one = request;
    one.folder = root / "models" / own.run.name;
    run_named(own, one, callbacks.study);
    if (request.last_stage == "report") {
      results.push_back(
          read_result(own, manifest.models.at(results.size()), one.folder));
    }
  }
  if (request.last_stage != "report") {
    return Json::object();
  }
  Json document = models_document(results);
  write_file(root / "models.json", dump_json(document, 1) + "\n");
  callbacks.write_models_report(root);
  return document;
}

}  // namespace veer
