// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/chat.h"
#include "cli/steer.h"

namespace veer::cli {
namespace {

std::string vector_asked_for(const SteerOptions& options) {
  std::string vector;
  for (const auto& [name, text] : options.settings) {
    if (name == "vector") {
      vector = text;
    }
  }
  return vector;
}

// With what the run's report found best (for the vector asked for), or else the
// run's only vector.
void begin(const SteerOptions& options, const SteeringSession& steering,
           Chat& chat) {
  SteeringSettings from = steering.settings();
  from.model = options.tuned ? "tuned" : "base";
  const auto vector = vector_asked_for(options);
  const auto best = steering.best_of_run(from.model, vector);
  const auto names = steering.vector_names();
  if (best) {
    from = best->settings;
  } else if (names.size() == 1) {
    from.vector = names.front();
  }
  chat.begin(from, best.has_value(), options.settings);
  const auto& now = steering.settings();
  if (best && !best->doubt.empty() && now.vector == best->settings.vector) {
    chat.note(fmt::format(
        "The run does not show that {} does anything at this place: {}.",
        now.vector, best->doubt));
  }
  if (steering.settings().vector.empty() && names.size() > 1) {
    chat.note(fmt::format(
        "The run has {} vectors and no finished sweep that chose among them. "
        "Name one with --vector, in the chat with /vector: {}.",
        names.size(), fmt::join(names, ", ")));
  }
}

}  // namespace

void run_steer(const SteerOptions& options, Session& session) {
  RunSettings machine;
  machine.device = options.device;
  machine.dtype = options.dtype;
  machine.threads = options.threads;
  SteeringSession steering(options.run, options.model, options.adapter, machine,
                           options.template_vars);
  Chat chat(steering, session);
  for (const std::string& note : steering.notes()) {
    chat.note(note);
  }
  begin(options, steering, chat);
  if (options.question.empty()) {
    chat.converse();
  } else {
    chat.ask(options.question);
  }
}

}  // namespace veer::cli
