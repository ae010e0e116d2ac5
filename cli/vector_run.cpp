// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/output_file.h"
#include "cli/vector.h"
#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/study/one_vector.h"

namespace veer::cli {
namespace {

// There is no run folder in which half a vector could be kept.
OneVector make_or_stop(const OneVectorSettings& settings,
                       const Monitor& monitor) {
  try {
    return make_one_vector(settings, monitor);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInterrupted) {
      throw;
    }
    throw Error(ErrorKind::kInterrupted,
                "[vector] stopped; nothing was written, the same command "
                "begins anew");
  }
}

}  // namespace

void run_vector(const VectorOptions& options, Session& session) {
  // Before the work, not after it.
  const std::filesystem::path inputs[] = {options.pairs};
  require_vector_place("vector", options.out, inputs);
  OneVectorSettings settings;
  settings.model = options.model;
  settings.template_vars = options.template_vars;
  settings.pairs = options.pairs;
  settings.contrast = options.contrast;
  settings.method = options.method;
  settings.position = options.position;
  settings.site = options.site;
  settings.layers = options.layers;
  settings.max_pairs = options.max_pairs;
  settings.reading = options.reading;
  settings.honest_prompt = options.honest_prompt;
  settings.deceptive_prompt = options.deceptive_prompt;
  settings.machine.seed = options.seed;
  settings.machine.device = options.device;
  settings.machine.dtype = options.dtype;
  settings.machine.threads = options.threads;
  const auto made = make_or_stop(settings, session.terminal.monitor());
  write_steering_vector(options.out, made.vector);
  if (session.json) {
    Json document = one_vector_json(made);
    document["out"] = options.out.string();
    session.terminal.out(dump_json(document) + "\n");
    return;
  }
  for (const auto& note : made.notes) {
    session.terminal.note("note: " + note);
  }
  session.terminal.out(one_vector_text(made) +
                       fmt::format("{}. Steer with it: veer steer --model {} "
                                   "--vector {} \"QUESTION\"\n",
                                   options.out.string(), options.model,
                                   options.out.string()));
}

}  // namespace veer::cli
