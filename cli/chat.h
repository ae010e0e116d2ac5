// SPDX-License-Identifier: MIT
//
// The turns of `veer steer`: questions, and commands that begin with "/".
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "cli/chat_commands.h"
#include "cli/command.h"
#include "veer/steer/steering_session.h"

namespace veer::cli {

// With --json stdout holds JSON lines only: one per answer {question, plain,
// steered, settings, notes}, one per command that asks for something (/show,
// /tokens, /vectors, /operators, /help: {command, ...}), and {question, error}
// for a question that the context has no room for. Everything for people goes
// to stderr then.
class Chat {
 public:
  Chat(SteeringSession& steering, Session& session);

  // Begins with `from`, whose unit stands if `is_chosen` (by a run's report),
  // and the changes of the command line. Throws Error on settings that do not
  // fit.
  void begin(const SteeringSettings& from, bool is_chosen,
             std::span<const SettingChange> changes);
  // For people, on stderr; said once, and part of the next answer's JSON.
  void note(const std::string& sentence);
  // Says what is done, answers and shows both answers.
  void ask(const std::string& question);
  // Until the end of stdin or /quit. A mistyped command ends it only where
  // nobody types; a full context never does.
  void converse();

 private:
  // Puts `from` with the changes into force, what is open filled in, and says
  // what came of it. On an Error nothing changes.
  void change(const SteeringSettings& from, bool unit_is_open,
              std::span<const SettingChange> changes);
  // Returns false to end the chat.
  bool obey(const std::string& line);
  void answer(const ChatCommand& command);
  void show_tokens();
  void line(const Json& json);
  void answer_question(const std::string& question);
  std::vector<std::pair<std::string, std::string>> facts() const;

  SteeringSession& steering_;
  Session& session_;
  // What was asked for; the session's settings have the open parts filled in.
  SteeringSettings wish_;
  bool unit_is_open_ = true;
  std::set<std::string> said_;
  std::vector<std::string> notes_;  // since the last answer
  std::vector<std::string> names_;  // of settings
};

}  // namespace veer::cli
