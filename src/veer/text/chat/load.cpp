// SPDX-License-Identifier: MIT
// A chat format from the files of a model folder.
#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/core.h>

#include "veer/base/error.h"
#include "veer/base/files.h"
#include "veer/base/hash.h"
#include "veer/base/model_folder.h"
#include "veer/base/python_json.h"
#include "veer/base/settings.h"
#include "veer/gguf/config.h"
#include "veer/gguf/tokenizer.h"
#include "veer/text/chat/state.h"
#include "veer/text/tokenizer/beside.h"

namespace veer {
namespace {

namespace fs = std::filesystem;

constexpr std::array kTokenNames = {"bos_token", "eos_token", "unk_token",
                                    "sep_token", "pad_token", "cls_token",
                                    "mask_token"};

std::string read_optional(const fs::path& path) {
  return fs::exists(path) ? read_file(path, std::uint64_t{1} << 27) : "";
}

Json parse_optional(const std::string& text, const fs::path& path) {
  if (text.empty()) {
    return Json::object();
  }
  Json out = parse_python_json(text, path.string());
  if (!out.is_object()) {
    fail("chat format", fmt::format("{} is no JSON object", path.string()),
         "an object with settings");
  }
  return out;
}

// Special tokens as variables. special_tokens_map.json is read as AutoTokenizer
// does: it wins, and counts only where tokenizer_config.json has no
// added_tokens_decoder.
Json special_tokens_of(const Json& config, const Json& map) {
  Json out = Json::object();
  std::vector<const Json*> sources = {&config};
  if (!config.contains("added_tokens_decoder")) {
    sources.insert(sources.begin(), &map);
  }
  for (const Json* source : sources) {
    for (const char* name : kTokenNames) {
      if (!out.contains(name) && source->contains(name)) {
        if (const auto text = beside_token_text((*source)[name])) {
          out[name] = *text;
        }
      }
    }
    if (!out.contains("additional_special_tokens") &&
        source->contains("additional_special_tokens") &&
        (*source)["additional_special_tokens"].is_array()) {
      Json list = Json::array();
      for (const Json& item : (*source)["additional_special_tokens"]) {
        if (const auto text = beside_token_text(item)) {
          list.push_back(*text);
        }
      }
      if (!list.empty()) {
        out["additional_special_tokens"] = list;
      }
    }
  }
  return out;
}

// The template named "default", or the first one.
std::string named_template(const Json& list, const fs::path& path) {
  std::string first;
  for (const Json& entry : list) {
    if (!entry.is_object() || !entry.contains("template") ||
        !entry["template"].is_string()) {
      fail("chat format",
           fmt::format("{}: an entry of chat_template has no template",
                       path.string()),
           "objects with name and template");
    }
    const auto text = entry["template"].get<std::string>();
    if (entry.value("name", "") == "default") {
      return text;
    }
    first = first.empty() ? text : first;
  }
  return first;
}

// The chat_template of tokenizer_config.json.
std::string template_of(const Json& config, const fs::path& config_path) {
  const auto at = config.find("chat_template");
  if (at == config.end() || at->is_null()) {
    return "";
  }
  if (at->is_string()) {
    return at->get<std::string>();
  }
  if (at->is_array()) {
    return named_template(*at, config_path);
  }
  fail("chat format",
       fmt::format("{}: chat_template is neither text nor a list",
                   config_path.string()),
       "a Jinja template");
}

void add_stop_ids(const Json& config, const fs::path& path,
                  std::vector<std::int32_t>& out) {
  const auto at = config.find("eos_token_id");
  if (at == config.end() || at->is_null()) {
    return;
  }
  for (const Json& id : at->is_array() ? *at : Json::array({*at})) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 ||
        id.get<std::int64_t>() > INT32_MAX) {
      fail("chat format",
           fmt::format("{}: eos_token_id holds {}", path.string(),
                       dump_json(id)),
           "a token id or a list of them");
    }
    out.push_back(id.get<std::int32_t>());
  }
}

std::string text_of(const Json& tokens, const char* name) {
  return tokens.contains(name) ? tokens[name].get<std::string>() : "";
}

}  // namespace

std::int64_t template_time(const std::string& text) {
  std::tm time{};
  const char* end = strptime(text.c_str(), "%d %b %Y", &time);
  if (end == nullptr || *end != '\0') {
    return 0;
  }
  time.tm_hour = 12;
  return timegm(&time);
}

void ChatFormat::State::identify(std::string_view template_source) {
  Json parts =
      Json::array({std::string(template_source), tokenizer.fingerprint(),
                   options.date_string, options.literal_content, folds_system,
                   special_tokens, stop_ids});
  if (repetition_penalty != 1.0) {  // without it as ever
    parts.push_back({{"repetition_penalty", repetition_penalty}});
  }
  if (template_thinks) {  // where answers stand has changed for these
    parts.emplace_back("answers behind think blocks");
  }
  if (!template_vars.empty()) {  // without them as ever
    parts.push_back(Json(canonical_json(template_vars)));
  }
  fingerprint = veer::fingerprint(dump_json(parts));
}

void ChatFormat::State::probe() {
  if (!chat_template) {
    notes.emplace_back(
        "no chat template: conversations are plain text, one message a line");
    return;
  }
  const std::vector<ChatMessage> both = {{"system", "s"}, {"user", "u"}};
  const std::vector<ChatMessage> alone = {{"user", "u"}};
  const auto shows_system = [&] {
    try {
      const JinjaRender render = this->render(both, true);
      return std::any_of(render.runs.begin(), render.runs.end(),
                         [](const OriginRun& run) { return run.origin == 0; });
    } catch (const Error&) {
      return false;
    }
  };
  if (!shows_system()) {
    folds_system = true;
    if (shows_system()) {
      notes.emplace_back(
          "the chat template takes no system turn: its text is put before the "
          "first user message");
    } else {
      folds_system = false;
    }
  }
  try {
    const JinjaRender render = this->render(alone, true);
    const auto ids = encode(render.text, render.runs);
    if (begin_id && ids.size() > 1 && ids[0] == *begin_id &&
        ids[1] == *begin_id) {
      notes.emplace_back("prompts begin with two bos tokens");
    }
    const auto plain = tokenizer.encode("u", true);
    if (begin_id && !ids.empty() && ids[0] != *begin_id && !plain.empty() &&
        plain[0] == *begin_id) {
      notes.emplace_back(
          "the chat template writes no bos token though the tokenizer would "
          "add one; none is added, as in Hugging Face transformers");
    }
  } catch (const Error&) {  // told when a conversation is encoded
  }
}

namespace {

std::optional<std::int32_t> id_of(const Tokenizer& tokenizer,
                                  const std::string& token) {
  return token.empty() ? std::nullopt : tokenizer.id(token);
}

}  // namespace

ChatFormat ChatFormat::from_parts(Tokenizer tokenizer,
                                  std::string chat_template,
                                  std::string bos_token, std::string eos_token,
                                  std::vector<std::int32_t> stop_ids,
                                  const ChatFormatOptions& options) {
  auto state = std::make_shared<State>(std::move(tokenizer));
  if (!bos_token.empty()) {
    state->special_tokens["bos_token"] = bos_token;
  }
  if (!eos_token.empty()) {
    state->special_tokens["eos_token"] = eos_token;
  }
  state->stop_ids = std::move(stop_ids);
  ChatFormat out;
  out.state_ =
      complete(std::move(state), chat_template, "the chat template", options);
  return out;
}

std::shared_ptr<const ChatFormat::State> ChatFormat::complete(
    std::shared_ptr<State> state, const std::string& source,
    const std::string& origin, const ChatFormatOptions& options) {
  state->options = options;
  state->now = template_time(options.date_string);
  state->template_vars = parse_template_vars(options.template_vars);
  if (!source.empty()) {
    state->chat_template = JinjaTemplate::parse(source, origin);
  }
  state->marks = find_think_marks(source);
  state->template_thinks = state->marks.has_value();
  if (!state->marks) {
    state->marks = find_think_marks(state->tokenizer);
  }
  state->begin_id =
      id_of(state->tokenizer, text_of(state->special_tokens, "bos_token"));
  state->end_id =
      id_of(state->tokenizer, text_of(state->special_tokens, "eos_token"));
  auto& stops = state->stop_ids;
  if (state->end_id) {
    stops.push_back(*state->end_id);
  } else if (!stops.empty()) {
    state->end_id = stops.front();
  }
  std::sort(stops.begin(), stops.end());
  stops.erase(std::unique(stops.begin(), stops.end()), stops.end());
  state->notes.insert(state->notes.end(), state->tokenizer.notes().begin(),
                      state->tokenizer.notes().end());
  state->probe();
  state->stop_at_turn_end();
  if (options.repetition_penalty > 0.0) {
    state->repetition_penalty = options.repetition_penalty;
  }
  state->note_variables();
  state->note_thinking();
  state->identify(source);
  return state;
}

ChatFormat ChatFormat::load(const fs::path& given,
                            const ChatFormatOptions& options) {
  const fs::path folder = resolve_model(given);
  ChatFormatFiles files;
  if (is_gguf(folder)) {
    const GgufModel model = GgufModel::open(folder);
    files.tokenizer_config = gguf_tokenizer_config_json(model);
    files.config = gguf_config_json(model);
    return from_files(
        Tokenizer::from_json(gguf_tokenizer_json(model), folder.string()),
        files, folder, options);
  }
  files.tokenizer_config = read_optional(folder / "tokenizer_config.json");
  files.special_tokens_map = read_optional(folder / "special_tokens_map.json");
  files.generation_config = read_optional(folder / "generation_config.json");
  files.config = read_optional(folder / "config.json");
  files.chat_template = read_optional(folder / "chat_template.jinja");
  return from_files(Tokenizer::load(folder), files, folder, options);
}

ChatFormat ChatFormat::from_files(Tokenizer tokenizer,
                                  const ChatFormatFiles& files,
                                  const fs::path& folder,
                                  const ChatFormatOptions& options) {
  auto state = std::make_shared<State>(std::move(tokenizer));
  const fs::path config_path = folder / "tokenizer_config.json";
  const Json config = parse_optional(files.tokenizer_config, config_path);
  state->special_tokens = special_tokens_of(
      config, parse_optional(files.special_tokens_map,
                             folder / "special_tokens_map.json"));
  const fs::path generation_path = folder / "generation_config.json";
  const Json generation =
      parse_optional(files.generation_config, generation_path);
  add_stop_ids(generation, generation_path, state->stop_ids);
  const fs::path model_path = folder / "config.json";
  const Json model = parse_optional(files.config, model_path);
  add_stop_ids(model, model_path, state->stop_ids);
  state->follow_generation_config(
      files.generation_config.empty() ? model : generation,
      files.generation_config.empty() ? model_path : generation_path, options);
  state->note_vocabulary(model);
  const bool own_file = !files.chat_template.empty();
  ChatFormat out;
  out.state_ = complete(
      std::move(state),
      own_file ? files.chat_template : template_of(config, config_path),
      (own_file ? folder / "chat_template.jinja" : config_path).string(),
      options);
  return out;
}

}  // namespace veer
