// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/study.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/report/report.h"
#include "veer/study/study.h"
#include "veer/study/summary.h"

namespace veer::cli {
namespace {

std::string stage_line(const StageOutcome& outcome) {
  return fmt::format("{:<9} {} · {}{}", outcome.name, outcome.summary,
                     outcome.seconds < 9.95
                         ? fmt::format("{:.1f} s", outcome.seconds)
                         : fmt::format("{:.0f} s", outcome.seconds),
                     outcome.reused      ? " (kept from before)"
                     : outcome.continued ? " (continued)"
                                         : "");
}

Json outcomes_json(const std::vector<StageOutcome>& outcomes,
                   const std::filesystem::path& folder) {
  Json stages = Json::array();
  for (const auto& outcome : outcomes) {
    stages.push_back({{"name", outcome.name},
                      {"summary", outcome.summary},
                      {"seconds", outcome.seconds},
                      {"reused", outcome.reused}});
  }
  return {{"folder", folder.string()}, {"stages", stages}};
}

}  // namespace

void run_study(const StudyOptions& options, Session& session) {
  const Manifest manifest = read_manifest(options);
  StudyRequest request;
  request.folder = options.out.empty()
                       ? std::filesystem::path("runs") / manifest.run.name
                       : options.out;
  request.last_stage = options.last_stage;
  request.redo = options.redo;
  request.command_line = session.command_line;
  StudyCallbacks callbacks;
  callbacks.monitor = session.terminal.monitor();
  callbacks.on_stage = [&](const StageOutcome& outcome) {
    session.terminal.note(stage_line(outcome));
  };
  callbacks.write_report = [&](const std::filesystem::path& folder) {
    ReportOptions report;
    report.title = manifest.report.title;
    write_report(folder, report, callbacks.monitor);
  };
  const auto outcomes = veer::run_study(manifest, request, callbacks);
  const bool is_whole = request.last_stage == "report";
  Json summary = outcomes_json(outcomes, request.folder);
  if (is_whole) {
    const auto path = request.folder / "summary.json";
    summary.update(parse_json(read_file(path), path.string()));
    summary["report"] = (request.folder / "report.html").string();
  }
  const auto claims = request.folder / "hypotheses.json";
  if (session.json && std::filesystem::exists(claims)) {
    summary["hypotheses"] = parse_json(read_file(claims), claims.string());
  }
  if (session.json) {
    session.terminal.out(dump_json(summary) + "\n");
  } else if (is_whole) {
    session.terminal.out(summary_text(summary) + "Report: " +
                         summary["report"].get<std::string>() + "\n");
  }
}

}  // namespace veer::cli
