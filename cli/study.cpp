// SPDX-License-Identifier: MIT
#include "cli/study.h"

#include <utility>

#include "cli/verbs.h"
#include "veer/settings/removed_keys.h"

namespace veer::cli {
namespace {

// Short forms of the keys that every verb with a model has.
constexpr std::pair<const char*, const char*> kShortForms[] = {
    {"run.seed", "--seed"},          {"run.device", "--device"},
    {"run.dtype", "--dtype"},        {"run.threads", "--threads"},
    {"run.name", "--name"},          {"model.path", "--model"},
    {"extract.methods", "--method"}, {"model.template_vars", "--template-vars"},
};

std::string flag_names(const std::string& path) {
  for (const auto& [key, short_form] : kShortForms) {
    if (path == key) {
      return std::string(short_form) + ",--" + path;
    }
  }
  return "--" + path;
}

// Settings that no flag group shows; --print-manifest lists them.
void add_setting_flags(CLI::App& app, StudyOptions& options) {
  Manifest defaults;
  for (const auto& field : setting_fields(defaults)) {
    const std::string names = flag_names(field.path);
    const auto set = [&options, path = field.path](const std::string& text) {
      options.flags.emplace_back(path, text);
    };
    CLI::Option* option =
        app.add_option_function<std::string>(names, set, field.help)
            ->take_last();
    if (names.find(',') == std::string::npos) {
      option->group("");
    }
  }
  // Taken as flags, so that their refusal says what to use instead.
  for (const auto& key : removed_keys()) {
    const std::string path(key.path);
    app.add_option_function<std::string>(
           "--" + path,
           [&options, path](const std::string& text) {
             options.flags.emplace_back(path, text);
           })
        ->group("");
  }
}

bool print_manifest(const StudyOptions& options, Session& session) {
  const Manifest manifest = read_manifest(options);
  if (options.print_manifest) {
    session.terminal.out(manifest_toml(manifest));
  }
  return options.print_manifest;
}

}  // namespace

Manifest read_manifest(const StudyOptions& options) {
  auto file = options.manifest_file;
  if (file.empty() && std::filesystem::exists(options.out / "manifest.toml")) {
    file = options.out / "manifest.toml";
  }
  return load_manifest(file, options.flags, options.preset);
}

void add_study_options(CLI::App& app, StudyOptions& options) {
  app.add_option("manifest", options.manifest_file,
                 "TOML file; without it the defaults (the embedded study)");
  app.add_option("--preset", options.preset,
                 "changes of that name in the manifest, [preset.NAME.SECTION]");
  app.add_option("-o,--out", options.out,
                 "run folder (default runs/NAME); an existing one is "
                 "continued");
  app.add_flag("--redo", options.redo,
               "make stages anew whose settings have changed");
  add_setting_flags(app, options);
  app.footer(
      "Every key of the manifest is also a flag: --finetune.rank 16. "
      "`veer study --print-manifest` lists all with comments.");
}

void setup_study(Commands& commands) {
  struct Verb {
    const char* name;
    const char* stage;
    const char* summary;
  };
  constexpr Verb kVerbs[] = {
      {"study", "report", "run all stages of a study"},
      {"dataset", "dataset", "make or import questions and answers"},
      {"finetune", "finetune", "train the LoRA adapter (and what it needs)"},
      {"extract", "extract", "make the steering vectors"},
      {"compare", "compare", "compare the vectors per layer"},
      {"sweep", "sweep", "steer with every configuration and judge"},
      {"report", "report", "write the report (runs what is missing)"}};
  for (const auto& verb : kVerbs) {
    auto options = std::make_shared<StudyOptions>();
    options->last_stage = verb.stage;
    CLI::App& app = commands.add(verb.name, verb.summary, options, run_study,
                                 print_manifest);
    add_study_options(app, *options);
    app.add_flag(
        "--print-manifest", options->print_manifest,
        "print every setting with its comment as TOML and end; save it "
        "as my.toml, edit it, then veer " +
            std::string(verb.name) + " my.toml");
  }
}

}  // namespace veer::cli
