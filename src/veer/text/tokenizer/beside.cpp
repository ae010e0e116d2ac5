// SPDX-License-Identifier: MIT
#include "veer/text/tokenizer/beside.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "veer/base/error.h"

namespace veer {
namespace {

constexpr std::array kNamed = {"bos_token", "eos_token", "unk_token",
                               "sep_token", "pad_token", "cls_token",
                               "mask_token"};
constexpr const char* kConfig = "tokenizer_config.json";
constexpr const char* kMap = "special_tokens_map.json";
constexpr const char* kAdded = "added_tokens.json";
constexpr const char* kExtra = "extra_special_tokens";
constexpr const char* kOlderExtra = "additional_special_tokens";
constexpr const char* kDecoder = "added_tokens_decoder";
constexpr const char* kMarked = "__veer_special_tokens_map";

// A model's own name for a special token ("image_token").
bool is_model_key(const std::string& key) {
  return key.ends_with("_token") &&
         std::ranges::find(kNamed, key) == kNamed.end();
}

// Missing, null, or without entries.
bool is_empty(const Json& settings, const char* key) {
  const auto at = settings.find(key);
  return at == settings.end() || at->empty();
}

// A token as a file names it. Flags that it leaves open follow from what the
// token turns out to be.
struct Given {
  std::string content;
  bool plain = false;  // a bare string: special, no flags
  bool special = false;
  bool single_word = false, left_strip = false, right_strip = false;
  std::optional<bool> normalized;
  std::int64_t stated_id = -1;
  std::string source;

  // Equal ones are one token to from_pretrained().
  std::string identity() const {
    return plain ? "text " + content
                 : fmt::format("{} {} {} {} {} {}", special, single_word,
                               left_strip, right_strip,
                               normalized.value_or(!special), content);
  }
};

Given read_given(const Json& node, const TokenizerPlace& place,
                 const std::string& source) {
  Given out;
  out.source = source;
  if (node.is_string()) {
    out.content = node.get<std::string>();
    out.plain = out.special = true;
    return out;
  }
  if (!node.is_object()) {
    place.fail(fmt::format("a {}", node.type_name()),
               "a token: text, or an object with \"content\"");
  }
  out.content = json_string(node, "content", place);
  out.special = json_bool_or(node, "special", false, place);
  out.single_word = json_bool_or(node, "single_word", false, place);
  out.left_strip = json_bool_or(node, "lstrip", false, place);
  out.right_strip = json_bool_or(node, "rstrip", false, place);
  if (node.contains("normalized") && !node["normalized"].is_null()) {
    out.normalized = json_bool_or(node, "normalized", false, place);
  }
  return out;
}

// "12" as a number; -1 for anything else.
std::int64_t number_of(const std::string& text) {
  std::int64_t out = -1;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, out);
  return error == std::errc() && at == end ? out : -1;
}

// The steps of from_pretrained() on the settings of tokenizer_config.json,
// which the other files change.
class BesideReader {
 public:
  BesideReader(const TokenizerBesideFiles& files, const TokenizerFile& file)
      : files_(files), file_(file) {}

  TokenizerBeside read() {
    settings_ = parse(files_.tokenizer_config, kConfig);
    for (const auto& [key, value] : settings_.items()) {
      origin_[key] = kConfig;
    }
    set_special_apart();
    if (settings_.contains(kDecoder)) {
      read_decoder(settings_[kDecoder]);
    } else {
      merge_special_tokens_map();
      read_added_tokens();
      repeat_tokenizer_file();
    }
    return assemble();
  }

 private:
  Json parse(const std::string& text, const char* name) const {
    if (text.empty()) {
      return Json::object();
    }
    Json out = parse_json(text, path(name));
    if (!out.is_object()) {
      fail("read tokenizer", fmt::format("{} is no JSON object", path(name)),
           "an object with settings");
    }
    return out;
  }
  std::string path(std::string_view name) const {
    return fmt::format("{}/{}", files_.folder, name);
  }
  TokenizerPlace place(std::string_view name) const {
    return {path(name) + ": "};
  }
  Given token_of(const std::string& key, const Json& value) const {
    const auto at = origin_.find(key);
    const std::string name = at == origin_.end() ? kConfig : at->second;
    return read_given(value, place(name) / key,
                      fmt::format("{}: {}", name, key));
  }

  // Moves a dict of named special tokens out of the settings.
  void move_dict() {
    const auto extra = settings_.find(kExtra);
    if (extra == settings_.end() || !extra->is_object()) {
      return;
    }
    for (const auto& [key, value] : extra->items()) {
      model_tokens_[key] = value;
      origin_[key] = origin_[kExtra];
    }
    settings_.erase(kExtra);
  }

  void set_special_apart() {
    if (settings_.contains(kOlderExtra) && is_empty(settings_, kExtra)) {
      settings_[kExtra] = settings_[kOlderExtra];
      settings_.erase(kOlderExtra);
      origin_[kExtra] = kConfig;
    }
    std::vector<std::string> moved;
    for (const auto& [key, value] : settings_.items()) {
      if (is_model_key(key) && value.is_string()) {
        model_tokens_[key] = value;
        moved.push_back(key);
      }
    }
    for (const std::string& key : moved) {
      settings_.erase(key);
    }
    move_dict();
  }

  void read_decoder(const Json& node) {
    const TokenizerPlace here = place(kConfig) / kDecoder;
    if (!node.is_object()) {
      here.fail(fmt::format("a {}", node.type_name()),
                "an object of tokens by id");
    }
    for (const auto& [key, value] : node.items()) {
      const std::int64_t id = number_of(key);
      if (id < 0 || !value.is_object()) {
        here.fail(fmt::format("the entry \"{}\"", key),
                  "a token (an object) under its id");
      }
      put(id, read_given(value, here / key,
                         fmt::format("{}: {}", kConfig, kDecoder)));
    }
  }

  void put(std::int64_t id, Given token) {
    token.stated_id = id;
    by_content_.insert_or_assign(token.content, token);
    by_id_.insert_or_assign(id, std::move(token));
  }

  // A token object of special_tokens_map.json, which is special.
  static Json as_special(Json token) {
    token["special"] = true;
    token[kMarked] = true;
    return token;
  }

  void merge_special_tokens_map() {
    const Json map = parse(files_.special_tokens_map, kMap);
    for (const auto& [key, value] : map.items()) {
      if (value.is_object() && key != kExtra) {
        settings_[key] = as_special(value);
      } else if (key == kExtra && value.is_array()) {
        Json all = Json::array();
        std::set<std::string> seen;
        const auto add = [&](const Json& token) {
          if (seen.insert(dump_json(token)).second) {
            all.push_back(token);
          }
        };
        if (!is_empty(settings_, kExtra)) {
          std::ranges::for_each(settings_[kExtra], add);
        }
        for (const Json& item : value) {
          add(item.is_object() ? as_special(item) : item);
        }
        settings_[key] = all;
      } else {
        settings_[key] = value;
      }
      origin_[key] = kMap;
    }
    move_dict();
  }

  void read_added_tokens() {
    const Json added = parse(files_.added_tokens, kAdded);
    std::set<std::string> special;
    const auto note = [&](const Json& value) {
      if (value.is_string() || (value.is_object() && value.contains(kMarked))) {
        special.insert(beside_token_text(value).value_or(""));
      }
    };
    for (const char* key : kNamed) {
      note(settings_.value(key, Json()));
    }
    for (const Json& item : settings_.value(kExtra, Json())) {
      note(item);
    }
    for (const auto& [content, id] : added.items()) {
      if (!id.is_number_integer() || id.get<std::int64_t>() < 0) {
        place(kAdded).fail(fmt::format("'{}' has no id", content),
                           "a whole number from 0");
      }
      Given token;
      token.content = content;
      token.special = special.contains(content);
      token.normalized = !token.special;
      token.source = kAdded;
      put(id.get<std::int64_t>(), std::move(token));
    }
  }

  // Their flags serve the special tokens of the same text.
  void repeat_tokenizer_file() {
    const TokenizerPlace here = file_.place / "added_tokens";
    for (const Json& node :
         json_list(file_.sections, "added_tokens", file_.place)) {
      put(json_int_or(node, "id", -1, here),
          read_given(node, here, "tokenizer.json"));
    }
  }

  // bos_token and the like, then the model's own names of special tokens.
  std::vector<Given> special_tokens() {
    // The padding of tokenizer.json names a pad token where nothing else does.
    const Json padding = file_.sections.value("padding", Json());
    if (padding.is_object() && !settings_.contains("pad_token")) {
      settings_["pad_token"] = padding.value("pad_token", Json());
    }
    std::vector<Given> out;
    for (const char* key : kNamed) {
      const Json value = settings_.value(key, Json());
      if (value.is_null()) {
        continue;
      }
      const Given token = token_of(key, value);
      const auto at = by_content_.find(token.content);
      out.push_back(at == by_content_.end() ? token : at->second);
    }
    Json own = Json::object();
    for (const auto& [key, value] : settings_.items()) {
      if (is_model_key(key) && (value.is_string() || value.contains("__type") ||
                                value.contains(kMarked))) {
        own[key] = value;
      }
    }
    own.update(model_tokens_);
    for (const auto& [key, value] : own.items()) {
      out.push_back(token_of(key, value));
    }
    return out;
  }

  std::vector<Given> listed_tokens() {
    const char* key = settings_.contains(kExtra) ? kExtra : kOlderExtra;
    const Json list = settings_.value(key, Json());
    if (!list.is_array() && !list.is_null()) {
      place(origin_[key])
          .fail(fmt::format("{} is a {}", key, list.type_name()),
                "a list of tokens");
    }
    std::vector<Given> out;
    for (const Json& item : list) {
      out.push_back(token_of(key, item));
      // An object that is no AddedToken of transformers 5 is one of 4, where
      // such lists hold special tokens.
      out.back().special |= !item.contains("__type");
    }
    return out;
  }

  TokenizerBeside assemble() {
    std::set<std::string> known;  // by their text
    for (const Json& node :
         json_list(file_.sections, "added_tokens", file_.place)) {
      known.insert(json_string(node, "content", file_.place / "added_tokens"));
    }
    std::vector<Given> all;
    for (const auto& [id, token] : by_id_) {
      known.insert(token.content);
      all.push_back(token);
    }
    std::set<std::string> identities;
    const auto add = [&](const Given& token) {
      if (!known.contains(token.content) &&
          identities.insert(token.identity()).second) {
        all.push_back(token);
      }
    };
    const std::vector<Given> special = special_tokens();
    std::ranges::for_each(special, add);
    std::ranges::for_each(listed_tokens(), add);
    std::set<std::string> names;
    for (const Given& token : special) {
      names.insert(token.content);
    }
    TokenizerBeside out;
    out.split_special =
        json_bool_or(settings_, "split_special_tokens", false, place(kConfig));
    for (const Given& token : all) {
      out.tokens.push_back(finished(token, names.contains(token.content)));
    }
    return out;
  }

  static BesideToken finished(const Given& given, bool named) {
    BesideToken out;
    out.source = given.source;
    AddedToken& token = out.token;
    token.content = given.content;
    token.special = given.special || named;
    token.single_word = given.single_word;
    token.left_strip = given.left_strip;
    token.right_strip = given.right_strip;
    token.matched_normalized = given.normalized.value_or(!token.special);
    token.id = static_cast<std::int32_t>(
        std::clamp<std::int64_t>(given.stated_id, -1, INT32_MAX));
    return out;
  }

  const TokenizerBesideFiles& files_;
  const TokenizerFile& file_;
  Json settings_;
  Json model_tokens_ = Json::object();         // image_token, ...
  std::map<std::string, std::string> origin_;  // file by key
  std::map<std::int64_t, Given> by_id_;
  std::map<std::string, Given> by_content_;
};

}  // namespace

std::optional<std::string> beside_token_text(const Json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  if (value.is_object() && value.contains("content") &&
      value["content"].is_string()) {
    return value["content"].get<std::string>();
  }
  return std::nullopt;
}

TokenizerBeside read_beside(const TokenizerBesideFiles& files,
                            const TokenizerFile& file) {
  return BesideReader(files, file).read();
}

}  // namespace veer
