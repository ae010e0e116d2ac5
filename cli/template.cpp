// SPDX-License-Identifier: MIT
// veer template: the text that a chat template makes of messages.
#include <filesystem>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/verbs.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/text/chat_format.h"
#include "veer/text/jinja.h"

namespace veer::cli {
namespace {

struct TemplateOptions {
  std::filesystem::path model;
  std::filesystem::path template_file;
  std::filesystem::path messages;
  std::filesystem::path variables;
  std::filesystem::path cases;
  bool add_generation_prompt = false;
  bool tokens = false;
};

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path), path.string());
}

Json read_messages(const std::filesystem::path& path) {
  Json out = read_json(path);
  if (out.is_object() && out.contains("messages")) {
    out = out["messages"];
  }
  if (!out.is_array()) {
    fail("veer template", fmt::format("{} is no list", path.string()),
         "a JSON list of messages with role and content");
  }
  return out;
}

Json variables_of(const TemplateOptions& options) {
  Json out =
      options.variables.empty() ? Json::object() : read_json(options.variables);
  if (!out.is_object()) {
    fail("veer template",
         fmt::format("{} is no object", options.variables.string()),
         "a JSON object of variables");
  }
  out["messages"] = read_messages(options.messages);
  for (const char* name : {"tools", "documents"}) {
    if (!out.contains(name)) {
      out[name] = nullptr;
    }
  }
  if (options.add_generation_prompt || !out.contains("add_generation_prompt")) {
    out["add_generation_prompt"] = options.add_generation_prompt;
  }
  return out;
}

// Lines of {"template", "variables"} -> lines of {"text"} or {"error"}.
void run_cases(const TemplateOptions& options, Session& session) {
  std::size_t number = 0;
  for (const std::string& line : read_lines(options.cases)) {
    const Json row = parse_json(
        line, fmt::format("line {} of {}", ++number, options.cases.string()));
    Json result = Json::object();
    try {
      result["text"] =
          JinjaTemplate::parse(row.at("template").get<std::string>(), "case")
              .render(row.at("variables"))
              .text;
    } catch (const Error& error) {
      result["error"] = error.what();
    } catch (const nlohmann::json::exception& error) {
      fail("veer template", fmt::format("line {}: {}", number, error.what()),
           "template and variables");
    }
    session.terminal.out(dump_json(result) + "\n");
  }
}

std::vector<ChatMessage> chat_messages(const Json& list) {
  std::vector<ChatMessage> out;
  for (const Json& message : list) {
    if (!message.is_object() || !message.contains("role") ||
        !message.contains("content") || !message["role"].is_string() ||
        !message["content"].is_string()) {
      fail("veer template",
           fmt::format("message {} has no text for role and content",
                       out.size() + 1),
           "{\"role\": ..., \"content\": ...}");
    }
    out.push_back({message["role"].get<std::string>(),
                   message["content"].get<std::string>()});
  }
  return out;
}

// Every token with its role, and where a vector is read.
Json token_table(const ChatFormat& format,
                 const std::vector<ChatMessage>& messages) {
  const bool answered =
      messages.size() > 1 && messages.back().role == "assistant";
  const EncodedChat chat =
      answered ? format.encode(messages) : format.encode_prompt(messages);
  Json tokens = Json::array();
  for (std::size_t i = 0; i < chat.ids.size(); ++i) {
    tokens.push_back({{"id", chat.ids[i]},
                      {"token", format.tokenizer().token(chat.ids[i])},
                      {"role", token_role_name(chat.roles[i])}});
  }
  return {{"tokens", tokens},
          {"prompt_length", chat.prompt_length},
          {"answer_begin", chat.answer_begin},
          {"answer_end", chat.answer_end},
          {"fingerprint", format.fingerprint()},
          {"notes", format.notes()}};
}

void print_tokens(const Json& table, Session& session) {
  std::string out;
  std::int64_t i = 0;
  for (const Json& token : table["tokens"]) {
    const bool prompt_end = i + 1 == table["prompt_length"].get<std::int64_t>();
    out += fmt::format(
        "{:>5} {:>7}  {:<9} {}{}\n", i, token["id"].get<std::int32_t>(),
        token["role"].get<std::string>(), dump_json(token["token"]),
        prompt_end ? "   <- prompt_end" : "");
    ++i;
  }
  session.terminal.out(out);
}

void run_model(const TemplateOptions& options, Session& session) {
  const ChatFormat format = ChatFormat::load(options.model);
  const Json messages = read_messages(options.messages);
  if (options.tokens) {
    const Json table = token_table(format, chat_messages(messages));
    if (session.json) {
      session.terminal.out(dump_json(table) + "\n");
    } else {
      print_tokens(table, session);
    }
    return;
  }
  Json variables =
      options.variables.empty() ? Json::object() : read_json(options.variables);
  session.terminal.out(
      format.render_json(messages, variables, options.add_generation_prompt));
}

void run_template(const TemplateOptions& options, Session& session) {
  if (!options.cases.empty()) {
    run_cases(options, session);
    return;
  }
  if (options.messages.empty() ||
      options.model.empty() == options.template_file.empty()) {
    fail("veer template", "not enough to render",
         "--messages FILE and one of --model DIR, --template FILE");
  }
  if (!options.model.empty()) {
    run_model(options, session);
    return;
  }
  const auto chat_template = JinjaTemplate::parse(
      read_file(options.template_file), options.template_file.string());
  session.terminal.out(chat_template.render(variables_of(options)).text);
}

}  // namespace

void setup_template(Commands& commands) {
  auto options = std::make_shared<TemplateOptions>();
  CLI::App& app =
      commands.add("template", "show what a chat template makes of messages",
                   options, run_template);
  app.add_option("--model", options->model, "model folder");
  app.add_option("--template", options->template_file, "Jinja file");
  app.add_option("--messages", options->messages,
                 "JSON list of {role, content}");
  app.add_option("--vars", options->variables,
                 "JSON object of further variables (tools, bos_token, ...)");
  app.add_flag("--add-generation-prompt", options->add_generation_prompt,
               "end with the header of the answer");
  app.add_flag("--tokens", options->tokens,
               "every token with its role (with --model)");
  app.add_option("--cases", options->cases,
                 "JSON lines of {template, variables}, for comparisons")
      ->group("");
}

}  // namespace veer::cli
