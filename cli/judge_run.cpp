// SPDX-License-Identifier: MIT
#include <limits>
#include <optional>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/judge.h"
#include "veer/run/context.h"
#include "veer/run/machine.h"
#include "veer/study/judge/further_judges.h"

namespace veer::cli {
namespace {

// The run's manifest, where it has one, with the flags.
Manifest manifest_of(const JudgeOptions& options) {
  const auto file = options.run / "manifest.toml";
  Manifest manifest = load_manifest(
      std::filesystem::exists(file) ? file : std::filesystem::path(),
      options.flags);
  if (options.yes) {
    manifest.judge.endpoint.cost_limit =
        std::numeric_limits<double>::infinity();
  }
  return manifest;
}

std::vector<std::string> judges_of(const JudgeOptions& options,
                                   const Manifest& manifest) {
  std::vector<std::string> names;
  for (const auto& [name, wanted] :
       {std::pair{"self", options.self}, std::pair{"choice", options.choice},
        std::pair{"endpoint", options.endpoint}}) {
    if (wanted) {
      names.emplace_back(name);
    }
  }
  const bool sheet = !options.sheet_out.empty() || !options.sheet_in.empty();
  return names.empty() && !sheet ? manifest.judge.further : names;
}

// The run's base model, loaded when it is first asked for.
class BaseModel {
 public:
  BaseModel(const Manifest& manifest, const Monitor& monitor)
      : manifest_(manifest), monitor_(monitor) {}

  LetterReader reader() {
    if (!model_) {
      const auto folder = model_folder(manifest_.model.path);
      format_ = load_chat_format(manifest_.model);
      model_ = load_model(folder, manifest_.run, monitor_.on_message);
    }
    return {*model_, *format_, {}};
  }

 private:
  const Manifest& manifest_;
  const Monitor& monitor_;
  std::optional<ChatFormat> format_;
  std::optional<Transformer> model_;
};

void show(const Json& document, Session& session) {
  if (session.json) {
    session.terminal.out(dump_json(document) + "\n");
    return;
  }
  for (const auto& judge : document.at("judges")) {
    std::string line = judge.at("name").get<std::string>() + ":";
    for (const auto& [label, count] : judge.at("labels").items()) {
      if (count.get<int>() > 0) {
        line += fmt::format(" {} {}", count.get<int>(), label);
      }
    }
    if (judge.contains("probes")) {
      const auto& probes = judge.at("probes");
      line += fmt::format(
          "; {} of {} probes passed{}", probes.at("passed").get<int>(),
          probes.at("of").get<int>(),
          judge.at("fit").get<bool>() ? "" : ", NOT FIT AS A JUDGE");
    }
    if (judge.contains("option_mass") && judge.at("option_mass").is_number()) {
      line += fmt::format("; probability on the options {:.2f}",
                          judge.at("option_mass").get<double>());
    }
    session.terminal.out(line + "\n");
  }
  for (const auto& pair : document.at("agreement")) {
    session.terminal.out(fmt::format(
        "{} and {}: {}, same label {}\n", pair.at("a").get<std::string>(),
        pair.at("b").get<std::string>(), kappa_text(pair),
        pair.at("same").is_number()
            ? fmt::format("{:.2f}", pair["same"].get<double>())
            : "-"));
  }
}

}  // namespace

void run_judge(const JudgeOptions& options, Session& session) {
  const Manifest manifest = manifest_of(options);
  Judging judging(
      options.run, manifest.judge.answers,
      static_cast<std::uint64_t>(options.seed.value_or(manifest.run.seed)));
  if (!options.sheet_out.empty()) {
    judging.write_sheet(options.sheet_out);
    session.terminal.note(fmt::format("{} answers written to {}",
                                      judging.answers().size(),
                                      options.sheet_out.string()));
  }
  const auto monitor = session.terminal.monitor();
  if (judging.has("run") &&
      std::filesystem::exists(options.run / "manifest.toml")) {
    if (const auto own = make_exact_judge(manifest)) {
      judging.probe_own(*own, monitor);
    }
  }
  BaseModel base(manifest, monitor);
  ask_judges(judging, judges_of(options, manifest), /*again=*/true,
             {options.run, manifest.judge, [&base] { return base.reader(); }},
             monitor);
  if (!options.sheet_in.empty()) {
    judging.add_sheet(options.sheet_in);
  }
  show(judging.finish(), session);
}

}  // namespace veer::cli
