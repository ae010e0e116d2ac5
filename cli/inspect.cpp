// SPDX-License-Identifier: MIT
#include "veer/tensors/inspect.h"

#include <algorithm>
#include <filesystem>
#include <string>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "cli/verbs.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/model/config.h"

namespace veer::cli {
namespace {

struct InspectOptions {
  std::filesystem::path path;
  std::int64_t tensors = 20;  // listed in text; --json lists all
};

// A model's configuration must be one that Veer runs.
void check_model(Inspection& inspection) {
  if (inspection.kind != "model") {
    return;
  }
  const auto path = std::filesystem::path(inspection.path) / "config.json";
  try {
    const auto config = parse_model_config(
        read_file(path, std::uint64_t{1} << 24), path.string());
    inspection.metadata.emplace_back(
        "model",
        fmt::format("{}, {} layers, width {}, vocabulary {}", config.model_type,
                    config.num_layers, config.width, config.vocab_size));
  } catch (const Error& e) {
    inspection.problems.emplace_back(e.what());
  }
}

std::string as_json(const Inspection& inspection) {
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
  const Json out = {
      {"path", inspection.path},   {"kind", inspection.kind},
      {"bytes", inspection.bytes}, {"tensors", tensors},
      {"metadata", metadata},      {"problems", inspection.problems}};
  return dump_json(out) + "\n";
}

std::string as_text(const Inspection& inspection, std::int64_t limit) {
  std::string out = fmt::format("{}: {}, {} bytes\n", inspection.path,
                                inspection.kind, inspection.bytes);
  for (const auto& [key, value] : inspection.metadata) {
    out += fmt::format("  {} = {}{}\n", key, value.substr(0, 100),
                       value.size() > 100 ? "..." : "");
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
                       fmt::join(tensor.shape, ", "), tensor.name);
  }
  return out;
}

void run_inspect(const InspectOptions& options, Session& session) {
  Inspection inspection = inspect_path(options.path);
  check_model(inspection);
  session.terminal.out(session.json ? as_json(inspection)
                                    : as_text(inspection, options.tensors));
  if (inspection.problems.empty()) {
    return;
  }
  for (std::size_t i = 1; i < inspection.problems.size(); ++i) {
    session.terminal.note(inspection.problems[i]);
  }
  throw Error(ErrorKind::kBadInput, inspection.problems.front());
}

}  // namespace

void setup_inspect(Commands& commands) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App& app = commands.add(
      "inspect", "say what is in a file or folder, and what is wrong with it",
      options, run_inspect);
  app.add_option("path", options->path, "file or folder")->required();
  app.add_option("--tensors", options->tensors,
                 "tensors to list (default 20; --json lists all)");
}

}  // namespace veer::cli
