// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/steer.h"
#include "veer/base/error.h"
#include "veer/base/settings.h"
#include "veer/interventions/operators.h"
#include "veer/study/grid_line.h"
#include "veer/study/steering_session.h"

namespace veer::cli {
namespace {

constexpr const char* kHelp =
    "Type a question, or change a setting:\n"
    "  /vector NAME   /operator NAME   /scale X   /unit UNIT   /layers L\n"
    "  /scope SCOPE   /model base|tuned   /system TEXT   /temperature T\n"
    "  /budget B      /site SITE      /threshold X   /steepness X  /norms "
    "KIND\n"
    "  /second NAME   /adapter_strength X /max_tokens N  /seed N\n"
    "  /tokens of the last answers, coloured by their projection on the "
    "vector\n"
    "  /show settings, /vectors of the run, /operators, /clear the turns, "
    "/help, /quit\n";

// From blue (against the vector) over plain to orange (along it).
std::string coloured(const std::string& text, double z, bool colour) {
  if (!colour) {
    return fmt::format("{}[{:+.1f}]", text, z);
  }
  const double size = std::min(std::abs(z) / 2.5, 1.0);
  const auto mix = [&](int full) {
    return static_cast<int>(40.0 + size * (full - 40.0));
  };
  return z > 0.0 ? fmt::format("\x1b[48;2;{};{};{}m{}\x1b[0m", mix(230),
                               mix(120), 40, text)
                 : fmt::format("\x1b[48;2;{};{};{}m{}\x1b[0m", 40, mix(120),
                               mix(230), text);
}

// Control characters of a token would move the terminal's cursor.
std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '\n'
               ? std::string("\\n")
               : std::string(1, static_cast<unsigned char>(c) < 32 ? '?' : c);
  }
  return out;
}

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
      line += coloured(printable(token.text), (token.projection - sum / n) / sd,
                       session.terminal.is_interactive());
    }
    session.terminal.out(line + "\n");
  }
  session.terminal.note(fmt::format(
      "projection on the vector at layer {}, in standard deviations of the "
      "plain text's tokens",
      plain.layer));
}

std::string settings_line(const SteeringSettings& settings) {
  if (settings.vector.empty()) {
    return fmt::format("{}, no vector", settings.model);
  }
  return fmt::format("{}, {} {} {:+g} {} at layers {}, tokens {}",
                     settings.model, settings.act.operation, settings.vector,
                     settings.act.scale, shown_unit(settings.act),
                     settings.act.layers, settings.act.scope);
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
  } else if (name == "operators") {
    for (const auto& row : operator_table()) {
      session.terminal.note(fmt::format("{:<16} {}", row.name, row.formula));
    }
  } else if (name == "tokens") {
    show_tokens(steering, session);
  } else if (name == "clear") {
    steering.forget_turns();
  } else if (name != "show") {
    SteeringSettings settings = steering.settings();
    apply_setting(setting_fields(settings), name, text);
    steering.set(settings);
  }
  if (name != "help" && name != "vectors" && name != "operators" &&
      name != "tokens") {
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
  if (!settings.vector.empty() && settings.act.layers.empty()) {
    settings.act.layers = fmt::format("{}", steering.num_layers() / 2);
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
