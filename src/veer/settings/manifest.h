// SPDX-License-Identifier: MIT
//
// All settings of a study, each with its default stated once. This header
// needs no torch: the small program prints and checks manifests without it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "veer/base/json.h"
#include "veer/base/settings.h"
#include "veer/settings/dataset_settings.h"
#include "veer/settings/extract_settings.h"
#include "veer/settings/finetune_settings.h"
#include "veer/settings/judge_settings.h"
#include "veer/settings/sweep_settings.h"

namespace veer {

struct RunSettings {
  // Names the run folder: runs/<name>.
  std::string name = "advice";
  std::int64_t seed = 0;
  // Where and how the model runs. "auto": cuda when there is one; the dtype
  // in which the weights are stored, unless the device does not compute in it.
  std::string device = "auto";
  std::string dtype = "auto";
  std::int64_t threads = 0;   // 0 = all cores; part of the result's bytes
  bool deterministic = true;  // on a card; a CPU always is
  // For keys and values of the texts that run together, GiB; 0 = 1 on a CPU,
  // on a card what is free but for a reserve.
  double memory = 0.0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("name", self.name, "names the run folder, runs/NAME");
    field("seed", self.seed, "start of all random numbers");
    field("device", self.device, "auto, cpu, cuda or cuda:N");
    field("dtype", self.dtype,
          "auto (as stored), float32, bfloat16 or float16");
    field("threads", self.threads, "CPU threads, 0 = all cores");
    field("deterministic", self.deterministic,
          "on a GPU: training and extraction by algorithms that repeat bit by "
          "bit, where torch has them; decoding is left out");
    field("memory", self.memory,
          "GiB for keys and values of texts that run together, 0 = what a GPU "
          "has free, 1 on a CPU");
  }
};

struct ModelSettings {
  std::string path = "organism";
  // The fine-tuned side, ready made, instead of training one; and its honest
  // twin, tuned by the same recipe on honest answers to the same questions.
  std::string finetuned;
  std::string finetuned_honest;
  // Of generated text (GenerationOptions); 0 = as the model's files say.
  double repetition_penalty = 0.0;
  // A JSON object, as parse_template_vars() reads it; a TOML table becomes one.
  std::string template_vars;
  // Beside the limits of answers; 0 = thoughts count as part of them.
  std::int64_t thinking_tokens = 0;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("path", self.path,
          "organism, organism:control, :zeroed, :seed1, or a Hugging Face "
          "folder");
    field("finetuned", self.finetuned,
          "PEFT adapter or fine-tuned checkpoint (then finetune.rank of its "
          "change is kept); empty = train an adapter");
    field("finetuned_honest", self.finetuned_honest,
          "beside finetuned: the same recipe on honest answers, for "
          "twin@POSITION and G3; empty = none");
    field("repetition_penalty", self.repetition_penalty,
          "of generated text; 0 = as generation_config.json says, 1 = none");
    field("template_vars", self.template_vars,
          "variables of the chat template, a table or JSON text such as "
          "{\"enable_thinking\": false}; empty = none");
    field("thinking_tokens", self.thinking_tokens,
          "tokens that a thinking model may think before each answer; 0 = "
          "thoughts count as part of the answer's limit");
  }
};

// An entry of [[model]]: the same study on several models, each in a run
// folder of its own, models/NAME of the whole.
struct ListedModel {
  std::string name;  // empty = last part of the path
  std::string path;
  std::string finetuned;
  std::string finetuned_honest;
  double repetition_penalty = 0.0;
  std::string template_vars;
  std::int64_t thinking_tokens = 0;
  // Name of the entry that is this model before its refusals were removed.
  std::string stock;
  // What a ready-made fine-tune was trained by, and what it does: labels by
  // which entries are compared; empty = supervised, and deception.
  std::string objective;
  std::string behaviour;
  // Keys of other sections that this entry changes for itself, as flags:
  // ("finetune.questions", "100"). Not part of visit().
  std::vector<std::pair<std::string, std::string>> changes;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("name", self.name, "of its run folder, empty = end of the path");
    field("path", self.path, "as [model] path");
    field("finetuned", self.finetuned, "as [model] finetuned");
    field("finetuned_honest", self.finetuned_honest,
          "as [model] finetuned_honest");
    field("repetition_penalty", self.repetition_penalty,
          "as [model] repetition_penalty");
    field("template_vars", self.template_vars, "as [model] template_vars");
    field("thinking_tokens", self.thinking_tokens,
          "as [model] thinking_tokens");
    field("stock", self.stock,
          "name of the entry that is its stock (unabliterated) model");
    field("objective", self.objective,
          "what `finetuned` was trained by, such as dpo; empty = supervised");
    field("behaviour", self.behaviour,
          "what its data are about, such as sycophancy; empty = deception");
  }
};

// An entry of [[vector]]: the parts of a name in extract.vectors.
struct ListedVector {
  std::string contrast;
  std::string method;    // empty = the plain difference of means
  std::string position;  // empty for what has none: adapter, bipo, reft_r1
  std::string site;      // empty = resid_post

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("contrast", self.contrast, "what is subtracted from what");
    field("method", self.method, "how a direction is made of it");
    field("position", self.position, "token where it is read");
    field("site", self.site, "point of the block");
  }
};

struct ReportSettings {
  std::string title;
  std::int64_t example_questions = 10;
  // "3" or "depth:0.54", each the column of one layer.
  std::vector<std::string> example_layers;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("title", self.title, "empty = made from the model's name");
    field("example_questions", self.example_questions,
          "rows of the example table");
    field("example_layers", self.example_layers,
          "columns of the example table, 3 or depth:0.5; empty = four spread "
          "over the depth");
  }
};

struct Manifest {
  RunSettings run;
  ModelSettings model;
  // With [[model]] in place of [model]: then `model` means nothing.
  std::vector<ListedModel> models;
  DatasetSettings dataset;
  FinetuneSettings finetune;
  ExtractSettings extract;
  CompareSettings compare;
  SweepSettings sweep;
  JudgeSettings judge;
  ReportSettings report;

  template <class Self, class Visitor>
  static void visit(Self& self, Visitor&& field) {
    field("run", self.run, "");
    field("model", self.model, "");
    field("dataset", self.dataset, "");
    field("finetune", self.finetune, "");
    field("extract", self.extract, "");
    field("compare", self.compare, "");
    field("sweep", self.sweep, "");
    field("judge", self.judge, "");
    field("report", self.report, "");
  }
};

// One manifest per model: of a plain one itself, of one with [[model]] what
// each entry stands for, a manifest like one that names this model alone with
// the entry's changes. Throws Error on a change that no section takes.
std::vector<Manifest> manifests_of_models(const Manifest& manifest);

// Throws Error{kBadInput} when the manifest lists several models, of which
// `what` ("steer") can take one.
void require_one_model(const Manifest& manifest, std::string_view what);

// Flags as (dotted name, text), in order.
using SettingFlags = std::vector<std::pair<std::string, std::string>>;

// Defaults, then the file (TOML; an empty path = none), then the file's
// preset of that name (empty = none), then the flags; then validated. A
// preset is a table of changes, [preset.NAME.sweep] beside [sweep]; every one
// of a file is checked, asked for or not. A file without run.name is named
// after the file, and after its preset. [[model]] may stand in place of
// [model]; a flag cannot change its entries. [[vector]] may stand in place of
// extract.vectors, which it becomes. Throws Error as apply_settings and
// validate do.
Manifest load_manifest(const std::filesystem::path& file,
                       const SettingFlags& flags,
                       const std::string& preset = {});

// Throws Error naming the key whose value no study can have: a share outside
// 0..1, an unknown operator, a rank below 1.
void validate(const Manifest& manifest);

// Every key with its value and a comment, as TOML that load_manifest reads
// back to the same manifest.
std::string manifest_toml(const Manifest& manifest);

// The nested values of one section ("finetune"), for fingerprints.
Json manifest_section(const Manifest& manifest, std::string_view section);

}  // namespace veer
