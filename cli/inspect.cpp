// SPDX-License-Identifier: MIT
#include "cli/inspect.h"

#include <string>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "cli/shown_text.h"
#include "cli/verbs.h"
#include "veer/base/error.h"

namespace veer::cli {
namespace {

std::string as_json(const Inspection& inspection,
                    const InspectFindings& findings) {
  Json tensors = Json::array();
  for (const auto& tensor : inspection.tensors) {
    tensors.push_back({{"name", tensor.name},
                       {"dtype", tensor.dtype},
                       {"shape", tensor.shape},
                       {"bytes", tensor.bytes},
                       {"file", tensor.file}});
  }
  Json metadata = Json::object();
  for (const auto& [key, value] : inspection.metadata) {
    metadata[key] = value;
  }
  Json out = {{"path", inspection.path},        {"kind", inspection.kind},
              {"bytes", inspection.bytes},      {"tensors", tensors},
              {"metadata", metadata},           {"notes", findings.notes},
              {"problems", inspection.problems}};
  out.update(findings.json);
  return dump_json(out) + "\n";
}

std::string as_text(const Inspection& inspection,
                    const InspectFindings& findings, std::int64_t limit) {
  std::string out = fmt::format("{}: {}, {} bytes\n", inspection.path,
                                inspection.kind, inspection.bytes);
  for (const auto& [key, value] : inspection.metadata) {
    out += fmt::format("  {} = {}{}\n", key, value.substr(0, 100),
                       value.size() > 100 ? "..." : "");
  }
  for (const auto& line : findings.lines) {
    out += "  " + line + "\n";
  }
  if (!inspection.tensors.empty()) {
    out += fmt::format("{} tensors, {} bytes\n", inspection.tensors.size(),
                       inspection.tensor_bytes());
  }
  for (const auto& tensor : inspection.tensors) {
    if (limit-- <= 0) {
      out += "  ... (--tensors N lists more)\n";
      break;
    }
    out += fmt::format("  {:6} [{}]  {}\n", tensor.dtype,
                       fmt::join(tensor.shape, ", "), shown_token(tensor.name));
  }
  return out;
}

// All there is to say of anything but a model.
bool inspect_light(const InspectOptions& options, Session& session) {
  const Inspection inspection = inspect_path(options.path);
  if (inspection.kind == "model") {
    return false;
  }
  show_inspection(inspection, {}, options, session);
  return true;
}

}  // namespace

void show_inspection(const Inspection& inspection,
                     const InspectFindings& findings,
                     const InspectOptions& options, Session& session) {
  session.terminal.out(session.json ? as_json(inspection, findings)
                                    : shown_text(as_text(inspection, findings,
                                                         options.tensors)));
  for (const auto& note : findings.notes) {
    session.terminal.note("note: " + note);
  }
  if (inspection.problems.empty()) {
    return;
  }
  for (std::size_t i = 1; i < inspection.problems.size(); ++i) {
    session.terminal.note(inspection.problems[i]);
  }
  throw Error(ErrorKind::kBadInput, inspection.problems.front());
}

void setup_inspect(Commands& commands) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App& app = commands.add(
      "inspect", "say what is in a file or folder, and whether a model can run",
      options, run_inspect, inspect_light);
  app.add_option("path,--model", options->path,
                 "file or folder, organism, or org/name in the cache")
      ->required();
  app.add_option("--tensors", options->tensors,
                 "tensors to list (default 20; --json lists all)");
}

}  // namespace veer::cli
