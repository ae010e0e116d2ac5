// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/study.h"
#include "cli/wrapped.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/report/models_report.h"
#include "veer/report/report.h"
#include "veer/study/models/models_document.h"
#include "veer/study/models/models_study.h"
#include "veer/study/study.h"
#include "veer/study/summary/summary.h"

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

StudyRequest request_of(const StudyOptions& options, const Manifest& manifest,
                        const Session& session) {
  StudyRequest request;
  request.folder = options.out.empty()
                       ? std::filesystem::path("runs") / manifest.run.name
                       : options.out;
  request.last_stage = options.last_stage;
  request.redo = options.redo;
  request.command_line = session.command_line;
  return request;
}

StudyCallbacks callbacks_of(const ReportOptions& report, Session& session) {
  StudyCallbacks callbacks;
  callbacks.monitor = session.terminal.monitor();
  callbacks.on_stage = [&session](const StageOutcome& outcome) {
    session.terminal.note(stage_line(outcome));
  };
  callbacks.write_report = [report, monitor = callbacks.monitor](
                               const std::filesystem::path& folder) {
    write_report(folder, report, monitor);
  };
  return callbacks;
}

void run_on_models(const Manifest& manifest, const StudyRequest& request,
                   Session& session) {
  const ReportOptions report{manifest.report.title};
  ModelsCallbacks callbacks;
  callbacks.study = callbacks_of(report, session);
  callbacks.on_model = [&](const std::string& name, std::size_t number) {
    session.terminal.note(fmt::format("model {} of {}: {}", number,
                                      manifest.models.size(), name));
  };
  callbacks.write_models_report = [&](const std::filesystem::path& folder) {
    write_models_report(folder, report, callbacks.study.monitor);
  };
  const Json document = run_models_study(manifest, request, callbacks);
  if (session.json) {
    session.terminal.out(dump_json(document) + "\n");
  } else if (!document.empty()) {
    session.terminal.out(wrapped(models_text(document), 2) + "Report: " +
                         (request.folder / "report.html").string() + "\n");
  }
}

void run_on_one_model(const Manifest& manifest, const StudyRequest& request,
                      Session& session) {
  const auto outcomes = veer::run_study(
      manifest, request, callbacks_of({manifest.report.title}, session));
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
    session.terminal.out(wrapped(summary_text(summary), 2) + "Report: " +
                         summary["report"].get<std::string>() + "\n");
  }
}

}  // namespace

void run_study(const StudyOptions& options, Session& session) {
  const Manifest manifest = read_manifest(options);
  const auto request = request_of(options, manifest, session);
  if (manifest.models.empty()) {
    run_on_one_model(manifest, request, session);
  } else {
    run_on_models(manifest, request, session);
  }
}

}  // namespace veer::cli
