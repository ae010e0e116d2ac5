// SPDX-License-Identifier: MIT
#include "veer/train/adapter_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json.h"
#include "veer/train/python_regex.h"

namespace veer {
namespace {

constexpr std::int64_t kMaxRank = 65536;

// Keys of other methods: refused when they hold anything.
constexpr std::array<std::string_view, 13> kRefused = {
    "use_dora",          "lora_bias",
    "use_qalora",        "layer_replication",
    "target_parameters", "alora_invocation_tokens",
    "use_bdlora",        "trainable_token_indices",
    "modules_to_save",   "fan_in_fan_out",
    "megatron_config",   "ensure_weight_tying",
    "loftq_config"};

// Starts that leave the base weights as they are. The others (PiSSA, OLoRA,
// CorDA, LoftQ, LoRA-GA) change them, and the adapter alone is then not the
// difference between the two models.
constexpr std::array<std::string_view, 3> kPlainStarts = {"gaussian", "eva",
                                                          "orthogonal"};

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
    return out;
  }

 private:
  [[noreturn]] void refuse(std::string_view key, std::string_view expected) {
    const std::string found =
        json_.contains(key) ? dump_json(json_.at(std::string(key))) : "missing";
    fail("read adapter",
         fmt::format("{}: {} is {}", origin_, key, found.substr(0, 200)),
         expected);
  }

  Json value(const char* key, const Json& otherwise) {
    const auto found = json_.find(key);
    return found == json_.end() || found->is_null() ? otherwise : *found;
  }

  void refuse_other_methods() {
    if (value("peft_type", "") != "LORA") {
      refuse("peft_type", "\"LORA\"");
    }
    for (const auto& [key, v] : json_.items()) {
      const bool other = std::ranges::find(kRefused, key) != kRefused.end() ||
                         (key.ends_with("_config") && key != "runtime_config");
      if (other && holds_something(v)) {
        refuse(key, "plain LoRA, where this key is not set");
      }
    }
    if (value("bias", "none") != "none") {
      refuse("bias", "\"none\"");
    }
    const Json start = value("init_lora_weights", true);
    if (!start.is_boolean() &&
        !(start.is_string() &&
          std::ranges::find(kPlainStarts, start.get<std::string>()) !=
              kPlainStarts.end())) {
      refuse("init_lora_weights",
             "a start that leaves the base weights alone; convert such an "
             "adapter in PEFT first");
    }
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
    return pattern == "all-linear" || python_fullmatch(pattern, path, origin_);
  }
  return std::ranges::any_of(modules.names, [&](const std::string& name) {
    return path == name || path.ends_with("." + name);
  });
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
  if (exclude_.set && matches(exclude_, path)) {
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
