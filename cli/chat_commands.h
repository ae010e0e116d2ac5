// SPDX-License-Identifier: MIT
//
// What a line of `veer steer`'s chat means that starts with "/".
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace veer::cli {

// For people: every command in a few lines of 80 columns, with the names of
// `settings`.
std::string chat_help(std::span<const std::string> settings);

struct ChatCommand {
  std::string name;  // "scale"; "quit" for /exit too
  std::string text;  // "2"; what stands behind it, without outer spaces
};

// "/scale 2". The commands are those of the chat itself (/help, /quit, ...) and
// the names of `settings`. Throws Error{kBadInput} on another name; the message
// names the nearest command and /help.
ChatCommand parse_chat_command(std::string_view line,
                               std::span<const std::string> settings);

}  // namespace veer::cli
