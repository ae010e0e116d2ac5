// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/chat.h"
#include "cli/chat_text.h"
#include "cli/colours.h"
#include "cli/shown_text.h"
#include "veer/base/error.h"
#include "veer/interventions/operators.h"

namespace veer::cli {
namespace {

// Mean and standard deviation of the plain text's projections.
struct Spread {
  double mean = 0.0;
  double sd = 1.0;
};

Spread spread_of(const TokenView& view) {
  double sum = 0.0;
  double squares = 0.0;
  for (const auto& token : view.tokens) {
    sum += token.projection;
    squares += token.projection * token.projection;
  }
  const auto n = static_cast<double>(view.tokens.size());
  const double mean = sum / n;
  return {mean, std::sqrt(std::max(squares / n - mean * mean, 1e-12))};
}

Json tokens_json(const TokenView& view) {
  Json tokens = Json::array();
  for (const auto& token : view.tokens) {
    tokens.push_back({{"text", token.text}, {"projection", token.projection}});
  }
  return tokens;
}

}  // namespace

Chat::Chat(SteeringSession& steering, Session& session)
    : steering_(steering), session_(session), wish_(steering.settings()) {
  for (const auto& field : setting_fields(wish_)) {
    names_.push_back(field.path);
  }
}

void Chat::note(const std::string& sentence) {
  if (said_.insert(sentence).second) {
    session_.terminal.note("note: " + sentence);
    notes_.push_back(sentence);
  }
}

void Chat::line(const Json& json) {
  session_.terminal.out(dump_json(json) + "\n");
}

void Chat::change(const SteeringSettings& from, bool unit_is_open,
                  std::span<const SettingChange> changes) {
  SteeringSettings wish = from;
  const auto changed = change_settings(wish, changes);
  const bool has_unit = std::ranges::any_of(
      changes, [](const auto& change) { return change.first == "unit"; });
  SteeringSettings settled = wish;
  const auto assumed = steering_.settle(settled, unit_is_open && !has_unit);
  steering_.set(settled);
  wish_ = std::move(wish);
  unit_is_open_ = unit_is_open && !has_unit;
  for (const auto& sentence : assumed) {
    note(sentence);
  }
  for (const auto& sentence : changed) {
    said_.erase(sentence);  // a change is told each time
    note(sentence);
  }
}

void Chat::begin(const SteeringSettings& from, bool is_chosen,
                 std::span<const SettingChange> changes) {
  change(from, !is_chosen, changes);
}

void Chat::answer_question(const std::string& question) {
  const auto reply = steering_.ask(question);
  for (const auto& sentence : reply.notes) {
    said_.erase(sentence);  // it is of this answer
    note(sentence);
  }
  if (session_.json) {
    Json json = {{"question", question},
                 {"plain", reply.plain},
                 {"steered", reply.steered},
                 {"settings", steering_settings_json(steering_.settings())},
                 {"notes", notes_}};
    if (!reply.plain_thoughts.empty() || !reply.steered_thoughts.empty()) {
      json["thoughts"] = {{"plain", reply.plain_thoughts},
                          {"steered", reply.steered_thoughts}};
    }
    line(json);
  } else {
    session_.terminal.out(fmt::format("plain    {}\nsteered  {}\n",
                                      shown_text(reply.plain),
                                      shown_text(reply.steered)));
  }
  notes_.clear();
}

void Chat::ask(const std::string& question) {
  session_.terminal.note(settings_line(steering_.settings()));
  answer_question(question);
}

void Chat::show_tokens() {
  const auto plain = steering_.tokens(/*steered=*/false);
  const auto steered = steering_.tokens(/*steered=*/true);
  if (session_.json) {
    line({{"command", "tokens"},
          {"layer", plain.layer},
          {"prompt_length", plain.prompt_length},
          {"plain", tokens_json(plain)},
          {"steered", tokens_json(steered)}});
    return;
  }
  const auto spread = spread_of(plain);
  for (const auto* view : {&plain, &steered}) {
    std::string text = view == &plain ? "plain    " : "steered  ";
    for (const auto& token : view->tokens) {
      text += coloured(shown_token(token.text),
                       (token.projection - spread.mean) / spread.sd,
                       session_.terminal.colours());
    }
    session_.terminal.out(text + "\n");
  }
  session_.terminal.note(fmt::format(
      "projection on the vector at layer {}, in standard deviations of the "
      "plain text's tokens",
      plain.layer));
}

std::vector<std::pair<std::string, std::string>> Chat::facts() const {
  auto facts = steering_.model_facts();
  facts.emplace_back(
      "history",
      fmt::format("{} turn{}, {}", steering_.num_turns(),
                  steering_.num_turns() == 1 ? "" : "s",
                  steering_.sends_turns()
                      ? "sent with the next question"
                      : "not sent: each question is asked by itself"));
  return facts;
}

// A command that asks for something.
void Chat::answer(const ChatCommand& command) {
  auto& terminal = session_.terminal;
  Json json = {{"command", command.name}};
  if (command.name == "help") {
    json["text"] = chat_help(names_);
    session_.json ? line(json) : terminal.note(chat_help(names_));
  } else if (command.name == "vectors") {
    json["vectors"] = steering_.vector_names();
    if (session_.json) {
      return line(json);
    }
    for (const auto& name : steering_.vector_names()) {
      terminal.note(name);
    }
  } else if (command.name == "operators") {
    json["operators"] = Json::array();
    for (const auto& row : operator_table()) {
      json["operators"].push_back(
          {{"name", row.name}, {"formula", row.formula}});
      if (!session_.json) {
        terminal.note(fmt::format("{:<16} {}", row.name, row.formula));
      }
    }
    if (session_.json) {
      line(json);
    }
  } else {  // show
    json["settings"] = steering_settings_json(steering_.settings());
    json["facts"] = Json::object();
    for (const auto& [name, text] : facts()) {
      json["facts"][name] = text;
    }
    session_.json
        ? line(json)
        : terminal.note(settings_table(steering_.settings(), facts()) +
                        settings_line(steering_.settings()));
  }
}

bool Chat::obey(const std::string& text) {
  const auto command = parse_chat_command(text, names_);
  const auto& name = command.name;
  if (name == "quit") {
    return false;
  }
  if (name == "tokens") {
    show_tokens();
  } else if (std::ranges::find(names_, name) != names_.end()) {
    const SettingChange own{name, command.text};
    change(wish_, unit_is_open_, {&own, 1});
    session_.terminal.note(settings_line(steering_.settings()));
  } else if (name == "clear") {
    steering_.forget_turns();
    session_.terminal.note("the turns are forgotten; " +
                           settings_line(steering_.settings()));
  } else {
    answer(command);
  }
  return true;
}

void Chat::converse() {
  session_.terminal.note(chat_help(names_) +
                         settings_line(steering_.settings()));
  if (!steering_.sends_turns()) {
    note(
        "Each question is asked by itself, because the model knows single "
        "questions only; /turns all sends the turns before it too.");
  }
  while (const auto text = session_.terminal.read_line("> ")) {
    if (text->empty()) {
      continue;
    }
    try {
      if (text->starts_with('/')) {
        if (!obey(*text)) {
          return;
        }
        continue;
      }
      if (const auto full = steering_.full_context(*text); !full.empty()) {
        session_.terminal.note("veer: " + full);
        if (session_.json) {
          line({{"question", *text}, {"error", full}});
        }
        continue;
      }
      answer_question(*text);
    } catch (const Error& e) {
      // A mistyped command does not end a chat between people.
      if (!session_.terminal.is_interactive() ||
          e.kind() != ErrorKind::kBadInput) {
        throw;
      }
      session_.terminal.note(e.what());
    }
  }
}

}  // namespace veer::cli
