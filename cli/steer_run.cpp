// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/steer.h"
#include "veer/base/error.h"
#include "veer/base/settings.h"
#include "veer/study/steering_session.h"

namespace veer::cli {
namespace {

constexpr const char* kHelp =
    "Type a question, or change a setting:\n"
    "  /vector NAME   /operator NAME   /scale X   /unit UNIT   /layers L\n"
    "  /scope SCOPE   /model base|tuned   /system TEXT   /temperature T\n"
    "  /max_tokens N  /seed N\n"
    "  /show settings, /vectors of the run, /clear the turns, /help, /quit\n";

std::string settings_line(const SteeringSettings& settings) {
  if (settings.vector.empty()) {
    return fmt::format("{}, no vector", settings.model);
  }
  return fmt::format("{}, {} {} {:+g} {} at layers {}, tokens {}",
                     settings.model, settings.operation, settings.vector,
                     settings.scale, settings.unit, settings.layers,
                     settings.scope);
}

Json reply_json(const SteeringSettings& settings, const std::string& question,
                const SteeredReply& reply) {
  SteeringSettings copy = settings;
  return {{"question", question},
          {"plain", reply.plain},
          {"steered", reply.steered},
          {"settings", settings_to_json(setting_fields(copy))}};
}

void show_reply(Session& session, const SteeringSettings& settings,
                const std::string& question, const SteeredReply& reply) {
  if (session.json) {
    session.terminal.out(dump_json(reply_json(settings, question, reply)) +
                         "\n");
    return;
  }
  session.terminal.out(
      fmt::format("plain    {}\nsteered  {}\n", reply.plain, reply.steered));
}

// A line that starts with "/". Returns false to end the chat.
bool obey(const std::string& line, SteeringSession& steering,
          Session& session) {
  const auto space = line.find(' ');
  const std::string name = line.substr(
      1, space == std::string::npos ? std::string::npos : space - 1);
  const std::string text =
      space == std::string::npos ? "" : line.substr(space + 1);
  if (name == "quit" || name == "exit") {
    return false;
  }
  if (name == "help") {
    session.terminal.note(kHelp);
  } else if (name == "vectors") {
    for (const auto& vector : steering.vector_names()) {
      session.terminal.note(vector);
    }
  } else if (name == "clear") {
    steering.forget_turns();
  } else if (name != "show") {
    SteeringSettings settings = steering.settings();
    apply_setting(setting_fields(settings), name, text);
    steering.set(settings);
  }
  if (name != "help" && name != "vectors") {
    session.terminal.note(settings_line(steering.settings()));
  }
  return true;
}

void chat(SteeringSession& steering, Session& session) {
  session.terminal.note(kHelp + settings_line(steering.settings()));
  while (const auto line = session.terminal.read_line("> ")) {
    if (line->empty()) {
      continue;
    }
    try {
      if (line->starts_with('/')) {
        if (!obey(*line, steering, session)) {
          return;
        }
        continue;
      }
      show_reply(session, steering.settings(), *line, steering.ask(*line));
    } catch (const Error& e) {
      // A mistyped command does not end a chat between people.
      if (!session.terminal.is_interactive() ||
          e.kind() != ErrorKind::kBadInput) {
        throw;
      }
      session.terminal.note(e.what());
    }
  }
}

}  // namespace

void run_steer(const SteerOptions& options, Session& session) {
  RunSettings machine;
  machine.device = options.device;
  machine.dtype = options.dtype;
  machine.threads = options.threads;
  SteeringSession steering(options.run, options.model, options.adapter,
                           machine);
  const std::string model = options.tuned ? "tuned" : "base";
  SteeringSettings settings;
  if (const auto best = steering.best_of_run(model)) {
    settings = *best;
  }
  settings.model = model;
  for (const auto& [name, text] : options.settings) {
    apply_setting(setting_fields(settings), name, text);
  }
  if (!settings.vector.empty() && settings.layers.empty()) {
    settings.layers = fmt::format("{}", steering.num_layers() / 2);
  }
  steering.set(settings);
  if (options.question.empty()) {
    chat(steering, session);
    return;
  }
  session.terminal.note(settings_line(settings));
  show_reply(session, settings, options.question,
             steering.ask(options.question));
}

}  // namespace veer::cli
