// SPDX-License-Identifier: MIT
#include "veer/train/adapter_config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/train/python_regex.h"

namespace veer {
namespace {

constexpr std::int64_t kMaxRank = 65536;
constexpr double kMaxToken = 2147483647.0;
constexpr std::string_view kHeadPath = "lm_head";
constexpr std::string_view kEmbeddingPath = "model.embed_tokens";

// Keys of other methods: refused when they hold anything, as is every key that
// ends in _config but those of a start, which init_lora_weights decides about.
constexpr std::array<std::string_view, 5> kRefused = {
    "use_qalora", "layer_replication", "target_parameters",
    "alora_invocation_tokens", "use_bdlora"};
constexpr std::array<std::string_view, 5> kHarmless = {
    "runtime_config", "eva_config", "corda_config", "lora_ga_config",
    "loftq_config"};

// Starts that leave the base weights as they are.
constexpr std::array<std::string_view, 4> kPlainStarts = {"gaussian", "eva",
                                                          "orthogonal", "mica"};

// What no file of the adapter says: how the base was changed when training
// began.
std::string_view unknown_base(std::string_view start) {
  if (start.starts_with("pissa_niter_")) {
    return "this start is drawn at random, anew whenever PEFT loads the "
           "adapter, so that the base it was trained on is in no file";
  }
  if (start.starts_with("corda") || start == "lora_ga") {
    return "this start changed the base by data that are in no file";
  }
  if (start == "loftq") {
    return "this start quantised the base";
  }
  return "a start that Veer does not know";
}

// Whether a value means anything: not null, false, empty or zero.
bool holds_something(const Json& value) {
  return !(value.is_null() || (value.is_boolean() && !value.get<bool>()) ||
           ((value.is_object() || value.is_array()) && value.empty()) ||
           (value.is_string() && value.get<std::string>().empty()));
}

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts(1);
  for (const char c : path) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool names_module(const std::string& name, const std::string& path) {
  return path == name || path.ends_with("." + name);
}

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < 0) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

// Takes the keys one by one; every refusal names its key.
class AdapterConfigReader {
 public:
  AdapterConfigReader(const Json& json, std::string_view origin)
      : json_(json), origin_(origin) {}

  AdapterConfig read() {
    AdapterConfig out;
    out.origin_ = origin_;
    refuse_other_methods();
    AdapterInfo& info = out.info_;
    info.base_model = text("base_model_name_or_path");
    info.rank = rank("r", value("r", 8));
    info.alpha = number("lora_alpha", value("lora_alpha", 8));
    info.dropout = number("lora_dropout", value("lora_dropout", 0.0));
    info.rslora = flag("use_rslora");
    out.target_ = modules("target_modules");
    out.exclude_ = modules("exclude_modules");
    out.layers_set_ = read_layers(info.layers);
    out.layers_pattern_ = names("layers_pattern");
    out.rank_pattern_ = patterns("rank_pattern", /*ranks=*/true);
    out.alpha_pattern_ = patterns("alpha_pattern", /*ranks=*/false);
    out.start_ = start();
    out.dora_ = flag("use_dora");
    out.lora_bias_ = flag("lora_bias");
    out.ties_ = flag("ensure_weight_tying");
    out.saved_ = names("modules_to_save");
    out.tokens_ = tokens();
    return out;
  }

 private:
  [[noreturn]] void refuse(std::string_view key, std::string_view expected,
                           std::string_view cause = {}) {
    const std::string found =
        json_.contains(key) ? dump_json(json_.at(std::string(key))) : "missing";
    fail("read adapter",
         fmt::format("{}: {} is {}", origin_, key, found.substr(0, 200)),
         expected, cause);
  }

  Json value(const char* key, const Json& otherwise) {
    const auto found = json_.find(key);
    return found == json_.end() || found->is_null() ? otherwise : *found;
  }

  void refuse_other_methods() {
    if (value("peft_type", "") != "LORA") {
      refuse("peft_type", "\"LORA\"",
             json_.contains("peft_type") ? "an adapter of another method"
                                         : "no adapter_config.json of PEFT");
    }
    for (const auto& [key, v] : json_.items()) {
      const bool other = std::ranges::find(kRefused, key) != kRefused.end() ||
                         (key.ends_with("_config") &&
                          std::ranges::find(kHarmless, key) == kHarmless.end());
      if (other && holds_something(v)) {
        refuse(key, "an adapter where this key is not set",
               "a kind of LoRA that Veer does not know");
      }
    }
    const Json bias = value("bias", "none");
    if (bias != "none" && bias != "lora_only" && bias != "all") {
      refuse("bias", "\"none\", \"lora_only\" or \"all\"");
    }
  }

  AdapterStart start() {
    const Json given = value("init_lora_weights", true);
    if (given.is_boolean()) {
      return AdapterStart::kPlain;
    }
    std::string name = given.is_string() ? given.get<std::string>() : "";
    std::ranges::transform(name, name.begin(), [](unsigned char c) {
      return static_cast<char>(std::tolower(c));
    });
    if (name == "pissa") {
      return AdapterStart::kPissa;
    }
    if (name == "olora") {
      return AdapterStart::kOlora;
    }
    if (std::ranges::find(kPlainStarts, name) == kPlainStarts.end()) {
      refuse(
          "init_lora_weights",
          "a start that leaves the base alone, pissa or olora; PEFT converts "
          "the adapter where the starting one is at hand: "
          "save_pretrained(..., path_initial_model_for_weight_conversion=...)",
          unknown_base(name));
    }
    return AdapterStart::kPlain;
  }

  std::vector<std::int64_t> token_ids(const Json& list) {
    std::vector<std::int64_t> ids;
    for (const auto& item : list) {
      if (!list.is_array() || !item.is_number_integer() ||
          item.get<double>() < 0 || item.get<double>() > kMaxToken) {
        refuse("trainable_token_indices", "token ids");
      }
      ids.push_back(item.get<std::int64_t>());
    }
    std::set<std::int64_t> once(ids.begin(), ids.end());
    if (once.size() != ids.size()) {
      refuse("trainable_token_indices", "each token once");
    }
    return ids;
  }

  // Of a list, which is the embedding's, or by module name.
  std::map<std::string, std::vector<std::int64_t>> tokens() {
    const Json given = value("trainable_token_indices", nullptr);
    if (given.is_null()) {
      return {};
    }
    if (given.is_array()) {
      return {{"embed_tokens", token_ids(given)}};
    }
    if (!given.is_object()) {
      refuse("trainable_token_indices",
             "a list of token ids, or lists by module");
    }
    std::map<std::string, std::vector<std::int64_t>> out;
    for (const auto& [name, list] : given.items()) {
      out[name] = token_ids(list);
    }
    return out;
  }

  double number(std::string_view key, const Json& v) {
    if (!v.is_number() || !std::isfinite(v.get<double>())) {
      refuse(key, "numbers");
    }
    return v.get<double>();
  }

  std::int64_t rank(std::string_view key, const Json& v) {
    if (!v.is_number_integer() || v.get<double>() < 1 ||
        v.get<double>() > kMaxRank) {
      refuse(key, fmt::format("ranks from 1 to {}", kMaxRank));
    }
    return v.get<std::int64_t>();
  }

  bool flag(const char* key) {
    const Json v = value(key, false);
    if (!v.is_boolean()) {
      refuse(key, "true or false");
    }
    return v.get<bool>();
  }

  std::string text(const char* key) {
    const Json v = value(key, "");
    if (!v.is_string()) {
      refuse(key, "a string");
    }
    return v.get<std::string>();
  }

  // A string or a list of them.
  std::vector<std::string> names(const char* key) {
    const Json v = value(key, Json::array());
    if (v.is_string()) {
      return {v.get<std::string>()};
    }
    std::vector<std::string> out;
    for (const auto& item : v) {
      if (!v.is_array() || !item.is_string()) {
        refuse(key, "a string or a list of strings");
      }
      out.push_back(item.get<std::string>());
    }
    return out;
  }

  AdapterConfig::Modules modules(const char* key) {
    const Json v = value(key, nullptr);
    return {
        .set = !v.is_null(), .is_pattern = v.is_string(), .names = names(key)};
  }

  bool read_layers(std::vector<std::int64_t>& layers) {
    const Json v = value("layers_to_transform", nullptr);
    if (v.is_null()) {
      return false;
    }
    const Json list = v.is_array() ? v : Json::array({v});
    for (const auto& item : list) {
      if (!item.is_number_integer() || item.get<double>() < 0) {
        refuse("layers_to_transform", "layer numbers");
      }
      layers.push_back(item.get<std::int64_t>());
    }
    return !layers.empty();  // PEFT treats [] as not set
  }

  AdapterConfig::Patterns patterns(const char* key, bool ranks) {
    const Json v = value(key, Json::object());
    if (!v.is_object()) {
      refuse(key, "an object");
    }
    AdapterConfig::Patterns out;
    for (const auto& [pattern, item] : v.items()) {
      out.emplace_back(pattern, ranks ? static_cast<double>(rank(key, item))
                                      : number(key, item));
    }
    return out;
  }

  const Json& json_;
  std::string origin_;
};

AdapterConfig AdapterConfig::parse(std::string_view json,
                                   std::string_view origin) {
  const Json document = parse_json(json, origin);
  if (!document.is_object()) {
    fail("read adapter", fmt::format("{} is no JSON object", origin));
  }
  return AdapterConfigReader(document, origin).read();
}

bool AdapterConfig::matches(const Modules& modules,
                            const std::string& path) const {
  if (modules.is_pattern) {
    const auto& pattern = modules.names.front();
    // PEFT leaves the head out of all linear layers.
    return pattern == "all-linear" ? path != kHeadPath && path != kEmbeddingPath
                                   : python_fullmatch(pattern, path, origin_);
  }
  return std::ranges::any_of(modules.names, [&](const std::string& name) {
    return names_module(name, path);
  });
}

bool AdapterConfig::saves(const std::string& path) const {
  const auto is_saved = [&](std::string_view module) {
    return std::ranges::any_of(saved_, [&](const std::string& name) {
      return module.ends_with(name);
    });
  };
  for (auto dot = path.find('.'); dot != std::string::npos;
       dot = path.find('.', dot + 1)) {
    if (is_saved(std::string_view(path).substr(0, dot))) {
      return true;
    }
  }
  return is_saved(path);
}

std::vector<std::int64_t> AdapterConfig::tokens(const std::string& path) const {
  for (const auto& [name, ids] : tokens_) {
    if (names_module(name, path)) {
      return ids;
    }
  }
  return {};
}

bool AdapterConfig::layer_matches(const std::string& path) const {
  if (!layers_set_) {
    return true;
  }
  const auto parts = split_path(path);
  for (std::size_t i = 2; i + 1 < parts.size(); ++i) {
    const auto layer = whole_number(parts[i]);
    const bool named = layers_pattern_.empty() ||
                       std::ranges::find(layers_pattern_, parts[i - 1]) !=
                           layers_pattern_.end();
    if (layer && named) {
      return std::ranges::find(info_.layers, *layer) != info_.layers.end();
    }
  }
  return false;
}

std::optional<bool> AdapterConfig::targets(const std::string& path) const {
  if (!target_.set) {
    return std::nullopt;
  }
  if (ties_ && path == kHeadPath &&
      targets(std::string(kEmbeddingPath)) == true) {
    return true;
  }
  if (saves(path) || (exclude_.set && matches(exclude_, path))) {
    return false;
  }
  // PEFT looks at the layer only where a short name of a list matched.
  const bool whole_path =
      target_.is_pattern ||
      std::ranges::find(target_.names, path) != target_.names.end();
  return matches(target_, path) && (whole_path || layer_matches(path));
}

double AdapterConfig::patterned(const Patterns& patterns,
                                const std::string& path,
                                double otherwise) const {
  for (const auto& [pattern, value] : patterns) {
    if (python_fullmatch("(.*\\.)?(" + pattern + ")", path, origin_)) {
      return value;
    }
  }
  return otherwise;
}

std::int64_t AdapterConfig::rank(const std::string& path) const {
  return static_cast<std::int64_t>(
      patterned(rank_pattern_, path, static_cast<double>(info_.rank)));
}

double AdapterConfig::scale(const std::string& path) const {
  const auto r = static_cast<double>(rank(path));
  return patterned(alpha_pattern_, path, info_.alpha) /
         (info_.rslora ? std::sqrt(r) : r);
}

}  // namespace veer
