// SPDX-License-Identifier: MIT
// veer template: the text that a chat template makes of messages.
#include <filesystem>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/chat_tokens.h"
#include "cli/verbs.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/jinja/jinja.h"
#include "veer/text/chat/chat_format.h"

namespace veer::cli {
namespace {

struct TemplateOptions {
  std::filesystem::path model;
  std::filesystem::path template_file;
  std::filesystem::path messages;
  std::filesystem::path variables;
  std::filesystem::path cases;
  std::string template_vars;
  bool add_generation_prompt = false;
  bool tokens = false;
};

// The file's variables, then those of the flag.
Json given_variables(const TemplateOptions& options) {
  Json out =
      options.variables.empty() ? Json::object() : read_json(options.variables);
  if (!out.is_object()) {
    fail("veer template",
         fmt::format("{} is no object", options.variables.string()),
         "a JSON object of variables");
  }
  out.update(parse_template_vars(options.template_vars));
  return out;
}

Json variables_of(const TemplateOptions& options) {
  Json out = given_variables(options);
  out["messages"] = read_messages(options.messages);
  for (const char* name : {"tools", "documents"}) {
    if (!out.contains(name)) {
      out[name] = nullptr;
    }
  }
  if (!out.contains("date_string")) {
    out["date_string"] = ChatFormatOptions{}.date_string;
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

void run_model(const TemplateOptions& options, Session& session) {
  const Json variables = given_variables(options);
  const Json messages = read_messages(options.messages);
  if (options.tokens) {
    const auto text = variables.empty() ? "" : dump_json(variables);
    show_chat_tokens(ChatFormat::load(options.model, {.template_vars = text}),
                     chat_messages(messages), session);
    return;
  }
  const ChatFormat format =
      ChatFormat::load(options.model, {.template_vars = options.template_vars});
  session.terminal.out(
      format.render_json(messages, variables, options.add_generation_prompt));
  for (const auto& note : format.notes()) {
    session.terminal.note(note);
  }
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
  const auto now = template_time(ChatFormatOptions{}.date_string);
  session.terminal.out(
      chat_template.render(variables_of(options), {}, now).text);
}

}  // namespace

void setup_template(Commands& commands) {
  auto options = std::make_shared<TemplateOptions>();
  CLI::App& app =
      commands.add("template", "show what a chat template makes of messages",
                   options, run_template);
  app.add_option("--model", options->model,
                 "organism, a model folder, or org/name in the cache");
  app.add_option("--template", options->template_file, "Jinja file");
  app.add_option("--messages", options->messages,
                 "JSON list of {role, content}");
  app.add_option("--vars", options->variables,
                 "JSON object of further variables (tools, bos_token, ...)");
  app.add_option("--template-vars,--model.template_vars",
                 options->template_vars, kTemplateVarsHelp);
  app.add_flag("--add-generation-prompt", options->add_generation_prompt,
               "end with the header of the answer");
  app.add_flag("--tokens", options->tokens,
               "every token with its role (with --model)");
  app.add_option("--cases", options->cases,
                 "JSON lines of {template, variables}, for comparisons")
      ->group("");
}

}  // namespace veer::cli
