// SPDX-License-Identifier: MIT
#include "cli/chat_commands.h"

#include <algorithm>
#include <vector>

#include <fmt/core.h>

#include "cli/shown_text.h"
#include "cli/wrapped.h"
#include "veer/base/error.h"
#include "veer/base/text_distance.h"

namespace veer::cli {
namespace {

std::string_view without_outer_spaces(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r";
  const auto first = text.find_first_not_of(kSpaces);
  return first == std::string_view::npos
             ? std::string_view()
             : text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

}  // namespace

std::string chat_help(std::span<const std::string> settings) {
  std::string names = " ";
  for (const auto& name : settings) {
    names += " /" + name;
  }
  return "Type a question, or change a setting with /NAME VALUE:\n" +
         wrapped(names) +
         "\n"
         "  /show       every setting with its value and meaning\n"
         "  /tokens     of the last answers, coloured by their projection on "
         "the vector\n"
         "  /vectors    of the run            /operators  with their formulas\n"
         "  /clear      forgets the turns     /help, /quit\n";
}

ChatCommand parse_chat_command(std::string_view line,
                               std::span<const std::string> settings) {
  const std::string_view rest = without_outer_spaces(line.substr(1));
  const auto end = rest.find_first_of(" \t");
  ChatCommand command;
  command.name = rest.substr(0, end);
  if (end != std::string_view::npos) {
    command.text = without_outer_spaces(rest.substr(end));
  }
  std::vector<std::string> known = {"help",   "quit",    "exit",      "show",
                                    "tokens", "vectors", "operators", "clear"};
  known.insert(known.end(), settings.begin(), settings.end());
  if (std::ranges::find(known, command.name) == known.end()) {
    const std::string near = nearest_name(command.name, known);
    fail("chat", fmt::format("\"/{}\"", shown_token(command.name)),
         near.empty() ? "a command of /help"
                      : fmt::format("\"/{}\", the nearest command; /help has "
                                    "all of them",
                                    near));
  }
  if (command.name == "exit") {
    command.name = "quit";
  }
  return command;
}

}  // namespace veer::cli
