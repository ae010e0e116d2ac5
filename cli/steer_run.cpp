// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/chat_commands.h"
#include "cli/colours.h"
#include "cli/shown_text.h"
#include "cli/steer.h"
#include "veer/base/error.h"
#include "veer/base/settings.h"
#include "veer/interventions/operators.h"
#include "veer/study/grid_line.h"
#include "veer/study/steering_session.h"

namespace veer::cli {
namespace {

// Projections in standard deviations around the mean of the plain text.
void show_tokens(SteeringSession& steering, Session& session) {
  const auto plain = steering.tokens(/*steered=*/false);
  const auto steered = steering.tokens(/*steered=*/true);
  double sum = 0.0;
  double squares = 0.0;
  for (const auto& token : plain.tokens) {
    sum += token.projection;
    squares += token.projection * token.projection;
  }
  const auto n = static_cast<double>(plain.tokens.size());
  const double sd =
      std::sqrt(std::max(squares / n - (sum / n) * (sum / n), 1e-12));
  for (const auto* view : {&plain, &steered}) {
    std::string line = view == &plain ? "plain    " : "steered  ";
    for (const auto& token : view->tokens) {
      line +=
          coloured(shown_token(token.text), (token.projection - sum / n) / sd,
                   session.terminal.colours());
    }
    session.terminal.out(line + "\n");
  }
  session.terminal.note(fmt::format(
      "projection on the vector at layer {}, in standard deviations of the "
      "plain text's tokens",
      plain.layer));
}

std::string settings_line(const SteeringSettings& settings) {
  const auto& act = settings.act;
  const std::string layers =
      act.layers.empty() ? "" : fmt::format(" at layers {}", act.layers);
  const std::string deed = fmt::format("{:+g} {}{}, tokens {}", act.scale,
                                       shown_unit(act), layers, act.scope);
  if (!settings.vector.empty()) {
    return fmt::format("{}, {} {} {}", settings.model, act.operation,
                       settings.vector, deed);
  }
  const auto waiting = waiting_for_vector(settings);
  return fmt::format("{}, no vector; {} {} waits for one{}", settings.model,
                     act.operation, deed,
                     waiting.empty()
                         ? ""
                         : fmt::format(", and so does the check of {}",
                                       fmt::join(waiting, " and ")));
}

// The middle layer where none is named.
void put(SteeringSettings settings, SteeringSession& steering) {
  if (!settings.vector.empty() && settings.act.layers.empty()) {
    settings.act.layers = fmt::format("{}", steering.num_layers() / 2);
  }
  steering.set(settings);
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
  session.terminal.out(fmt::format("plain    {}\nsteered  {}\n",
                                   shown_text(reply.plain),
                                   shown_text(reply.steered)));
}

std::vector<std::string> names_of_settings() {
  SteeringSettings settings;
  std::vector<std::string> names;
  for (const auto& field : setting_fields(settings)) {
    names.push_back(field.path);
  }
  return names;
}

// A line that starts with "/". Returns false to end the chat.
bool obey(const std::string& line, SteeringSession& steering,
          Session& session) {
  const auto [name, text] = parse_chat_command(line, names_of_settings());
  if (name == "quit") {
    return false;
  }
  if (name == "help") {
    session.terminal.note(kChatHelp);
  } else if (name == "vectors") {
    for (const auto& vector : steering.vector_names()) {
      session.terminal.note(vector);
    }
  } else if (name == "operators") {
    for (const auto& row : operator_table()) {
      session.terminal.note(fmt::format("{:<16} {}", row.name, row.formula));
    }
  } else if (name == "tokens") {
    show_tokens(steering, session);
  } else {
    if (name == "clear") {
      steering.forget_turns();
    } else if (name != "show") {
      SteeringSettings settings = steering.settings();
      apply_setting(setting_fields(settings), name, text);
      put(std::move(settings), steering);
    }
    session.terminal.note(settings_line(steering.settings()));
  }
  return true;
}

void chat(SteeringSession& steering, Session& session) {
  session.terminal.note(
      fmt::format("{}{}", kChatHelp, settings_line(steering.settings())));
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
  for (const std::string& note : steering.notes()) {
    session.terminal.note(note);
  }
  const std::string model = options.tuned ? "tuned" : "base";
  SteeringSettings settings;
  if (const auto best = steering.best_of_run(model)) {
    settings = *best;
  }
  settings.model = model;
  for (const auto& [name, text] : options.settings) {
    apply_setting(setting_fields(settings), name, text);
  }
  put(std::move(settings), steering);
  if (options.question.empty()) {
    chat(steering, session);
    return;
  }
  session.terminal.note(settings_line(steering.settings()));
  show_reply(session, steering.settings(), options.question,
             steering.ask(options.question));
}

}  // namespace veer::cli
