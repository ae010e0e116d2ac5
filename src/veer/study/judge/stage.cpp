// SPDX-License-Identifier: MIT
#include "veer/study/judge/stage.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "veer/base/hash.h"
#include "veer/base/json_access.h"
#include "veer/study/judge/further_judges.h"

namespace veer {
namespace {

Judging judging_of(const StudyContext& context) {
  return {context.run_folder(), context.manifest().judge.answers,
          context.seed()};
}

// How a further judge agrees with the run's own, in a few words.
std::string verdict_on(const std::string& name, const Json& document) {
  for (const auto& judge : document.at("judges")) {
    if (judge.at("name") == name && !judge.value("fit", true)) {
      return name + " is unfit";
    }
  }
  for (const auto& pair : document.at("agreement")) {
    if (pair.at("a") == "run" && pair.at("b") == name) {
      return fmt::format("{} {}", name, kappa_text(pair));
    }
  }
  return name;
}

StageResult run_judges(StudyContext& context) {
  const auto& settings = context.manifest().judge;
  Judging judging = judging_of(context);
  if (context.exact_judge() != nullptr) {
    judging.probe_own(*context.exact_judge(), context.monitor());
  }
  const JudgeParts parts{context.run_folder(), settings, [&context] {
                           return LetterReader{
                               context.model(), context.format(), {}};
                         }};
  ask_judges(judging, settings.further, /*again=*/false, parts,
             context.monitor());
  const Json document = judging.finish();
  std::string summary =
      fmt::format("{} answers of the sweep", judging.answers().size());
  for (const auto& further : settings.further) {
    summary += "; " + verdict_on(judge_name(further, settings), document);
  }
  return {summary, ""};
}

bool all_have_judged(const StudyContext& context) {
  const auto& settings = context.manifest().judge;
  const Judging judging = judging_of(context);
  return std::ranges::all_of(settings.further, [&](const std::string& name) {
    return judging.has(judge_name(name, settings));
  });
}

}  // namespace

Stage judge_stage(StudyContext& context) {
  const auto& manifest = context.manifest();
  const auto& further = manifest.judge.further;
  Json from = {
      {"further", further},
      {"answers", manifest.judge.answers},
      {"seed", manifest.run.seed},
      {"sweep", fingerprint_file(context.file("sweep.json").string())}};
  // Neither address nor rate decide about what an endpoint says.
  if (std::ranges::find(further, "endpoint") != further.end()) {
    from["endpoint"] = judge_name("endpoint", manifest.judge);
  }
  if (std::ranges::any_of(further, [](const std::string& name) {
        return name != "endpoint";
      })) {
    from["model"] = context.model_fingerprint();
    from["machine"] = context.machine_text();
  }
  return {"judge", dump_json(from),
          [&context] { return all_have_judged(context); },
          [&context] { return run_judges(context); }};
}

}  // namespace veer
