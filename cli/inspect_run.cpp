// SPDX-License-Identifier: MIT
#include <algorithm>

#include <fmt/core.h>

#include "cli/inspect.h"
#include "veer/base/error.h"
#include "veer/model/load.h"
#include "veer/text/tokenizer/tokenizer.h"

namespace veer::cli {
namespace {

// A model without one can be measured on ids, but not asked.
void note_tokenizer(const std::string& folder, InspectFindings& findings) {
  try {
    Tokenizer::load(folder);
  } catch (const Error& e) {
    findings.notes.push_back(
        std::string("only logits and activations can be computed: ") +
        e.what());
  }
}

InspectFindings findings_of(const ModelCheck& check) {
  InspectFindings findings;
  findings.notes = check.notes;
  const bool runs = check.problems.empty();
  findings.json["can_run"] = runs;
  if (!check.config) {
    findings.lines.emplace_back("can be run: no");
    return findings;
  }
  const ModelConfig& config = *check.config;
  findings.json["family"] = config.model_type;
  findings.lines.push_back(fmt::format("{}, {} layers, width {}, vocabulary {}",
                                       config.model_type, config.num_layers,
                                       config.width, config.vocab_size));
  if (!runs) {
    findings.lines.emplace_back("can be run: no");
    return findings;
  }
  findings.json["dtype"] = check.dtype;
  findings.lines.push_back(
      fmt::format("can be run: yes, as {} in {} (on a CPU)", config.model_type,
                  check.dtype));
  return findings;
}

}  // namespace

void run_inspect(const InspectOptions& options, Session& session) {
  Inspection inspection = inspect_path(options.path);
  const ModelCheck check = check_model_folder(inspection.path);
  for (const auto& problem : check.problems) {
    // A file that is broken is found by both.
    if (std::ranges::find(inspection.problems, problem) ==
        inspection.problems.end()) {
      inspection.problems.push_back(problem);
    }
  }
  InspectFindings findings = findings_of(check);
  note_tokenizer(inspection.path, findings);
  show_inspection(inspection, findings, options, session);
}

}  // namespace veer::cli
