// SPDX-License-Identifier: MIT
#include <filesystem>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/chat_tokens.h"
#include "cli/verbs.h"
#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/json.h"
#include "veer/text/tokenizer/tokenizer.h"

namespace veer::cli {
namespace {

struct TokenizeOptions {
  std::filesystem::path model;
  std::string text;
  std::filesystem::path file;
  std::filesystem::path jsonl;
  std::filesystem::path messages;
  std::string template_vars;
  bool no_special = false;
  bool literal = false;
};

struct Encoded {
  std::vector<std::int32_t> ids;
  std::vector<std::string> tokens;
};

Encoded encode(const Tokenizer& tokenizer, std::string_view text,
               const TokenizeOptions& options) {
  Encoded out;
  out.ids = tokenizer.encode(
      text, !options.no_special,
      options.literal ? SpecialText::kLetters : SpecialText::kToken);
  for (const std::int32_t id : out.ids) {
    out.tokens.push_back(tokenizer.token(id));
  }
  return out;
}

std::string as_json(const Encoded& encoded) {
  return dump_json(Json{{"ids", encoded.ids}, {"tokens", encoded.tokens}}) +
         "\n";
}

// One line per token: id, spelling, its text where that is another.
std::string as_table(const Tokenizer& tokenizer, const Encoded& encoded) {
  std::string out;
  for (std::size_t i = 0; i < encoded.ids.size(); ++i) {
    const std::string text =
        tokenizer.decode({&encoded.ids[i], 1}, /*skip_special=*/false);
    out += fmt::format("{:>8}  {}", encoded.ids[i], encoded.tokens[i]);
    out += text == encoded.tokens[i] ? "\n" : "  " + dump_json(text) + "\n";
  }
  return out + fmt::format("{} tokens\n", encoded.ids.size());
}

// A string is encoded, a list of ids is decoded.
std::string line_result(const Tokenizer& tokenizer, const Json& value,
                        const TokenizeOptions& options,
                        const std::string& origin) {
  if (value.is_string()) {
    return as_json(
        encode(tokenizer, value.get_ref<const std::string&>(), options));
  }
  std::vector<std::int32_t> ids;
  for (const Json& id : value.is_array() ? value : Json::array({nullptr})) {
    if (!id.is_number_integer()) {
      fail("tokenize", fmt::format("{}: a {}", origin, value.type_name()),
           "a JSON string, or a list of ids");
    }
    ids.push_back(id.get<std::int32_t>());
  }
  return dump_json(Json{{"text", tokenizer.decode(ids, options.no_special)}}) +
         "\n";
}

void tokenize_lines(const Tokenizer& tokenizer, const TokenizeOptions& options,
                    Session& session) {
  constexpr std::size_t kFlushBytes = 1 << 20;
  std::string out;
  std::int64_t number = 0;
  for (const std::string& line : read_lines(options.jsonl)) {
    const std::string origin =
        fmt::format("{}, line {}", options.jsonl.string(), ++number);
    out += line_result(tokenizer, parse_json(line, origin), options, origin);
    if (out.size() > kFlushBytes) {
      session.terminal.out(out);
      out.clear();
    }
  }
  session.terminal.out(out);
}

void run_tokenize(const TokenizeOptions& options, Session& session) {
  if (!options.messages.empty()) {
    return show_chat_tokens(
        ChatFormat::load(options.model,
                         {.template_vars = options.template_vars}),
        chat_messages(read_messages(options.messages)), session);
  }
  const Tokenizer tokenizer = Tokenizer::load(options.model);
  for (const std::string& note : tokenizer.notes()) {
    session.terminal.note(note);
  }
  if (!options.jsonl.empty()) {
    return tokenize_lines(tokenizer, options, session);
  }
  const std::string text =
      options.file.empty() ? options.text : read_file(options.file);
  const Encoded encoded = encode(tokenizer, text, options);
  session.terminal.out(session.json ? as_json(encoded)
                                    : as_table(tokenizer, encoded));
}

}  // namespace

void setup_tokenize(Commands& commands) {
  auto options = std::make_shared<TokenizeOptions>();
  CLI::App& app = commands.add("tokenize", "show the tokens of a text", options,
                               run_tokenize);
  app.add_option("--model", options->model,
                 "organism, a model folder, org/name in the cache, or a "
                 "tokenizer.json")
      ->required();
  auto* source = app.add_option_group("input")->require_option(1);
  source->add_option("--text", options->text, "the text itself");
  source->add_option("--file", options->file,
                     "a file, any bytes (broken UTF-8 is read as U+FFFD)");
  source->add_option("--jsonl", options->jsonl,
                     "one JSON string a line in, one object a line out; a list "
                     "of ids is decoded");
  source->add_option("--messages", options->messages,
                     "JSON list of {role, content}: a conversation as the "
                     "model gets it, every token with its role");
  app.add_option("--template-vars,--model.template_vars",
                 options->template_vars, kTemplateVarsHelp);
  app.add_flag("--no-special", options->no_special,
               "neither add special tokens (<s> and the like) nor decode them");
  app.add_flag("--literal", options->literal,
               "special tokens in the text are ordinary letters");
}

}  // namespace veer::cli
