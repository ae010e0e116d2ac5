// SPDX-License-Identifier: MIT
//
// The rotary keys of config.json, in both generations:
//   4.x: rope_theta, rope_scaling {type | rope_type, factor, ...},
//        rope_local_base_freq (Gemma 3)
//   5.x: rope_parameters {rope_type, rope_theta, ...}, or one such object per
//        kind of layer under "full_attention" and "sliding_attention".
// Which of two keys wins is what transformers' modeling_rope_utils.py and the
// families' configuration files do; tools/parity/config_parity.py compares.
#include "veer/model/config_rope.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace veer {
namespace {

constexpr double kMaxTheta = 1e15;
constexpr double kMaxFactor = 1e6;

constexpr std::array kLayerKinds{"full_attention", "sliding_attention"};

bool is_layer_kind(const std::string& key) {
  return std::ranges::find(kLayerKinds, key) != kLayerKinds.end();
}

// What a rope object takes where its own key is missing.
struct RopeDefaults {
  double theta = 0.0;
  double partial_rotary_factor = 1.0;
  // Of the level above, where it wins over the rope's own; 0 = none.
  std::int64_t original_max_positions = 0;
  bool nested = false;  // one of several, by kind of layer
};

std::string rope_type(const ConfigReader& rope, const Family& family) {
  constexpr std::array kTypes{"default", "linear", "llama3", "longrope",
                              "yarn"};
  std::string type = rope.string("rope_type", rope.string("type", "default"));
  // Phi-3's first release named its factors so.
  if (type == "su" || (family.model_type == "phi3" && type == "yarn")) {
    type = "longrope";
  }
  if (std::ranges::find(kTypes, type) == kTypes.end()) {
    rope.refuse("rope_type", fmt::format("is \"{}\"", type),
                "default, linear, llama3, longrope or yarn",
                "a rotary embedding that Veer does not compute");
  }
  return type;
}

double yarn_scale(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

void parse_longrope(const ConfigReader& rope, std::int64_t half,
                    RopeConfig& result) {
  result.short_factor = rope.numbers("short_factor");
  result.long_factor = rope.numbers("long_factor");
  for (const char* key : {"short_factor", "long_factor"}) {
    const auto& factors =
        key[0] == 's' ? result.short_factor : result.long_factor;
    if (static_cast<std::int64_t>(factors.size()) != half) {
      rope.refuse(key, fmt::format("has {} values", factors.size()),
                  fmt::format("{}, half the rotated width", half));
    }
    if (std::ranges::any_of(factors, [](double f) { return !(f > 0.0); })) {
      rope.refuse(key, "holds a factor that is not positive");
    }
  }
}

void parse_yarn(const ConfigReader& rope, RopeConfig& result) {
  result.beta_fast = rope.number("beta_fast", 1e-6, kMaxFactor, 32.0);
  result.beta_slow = rope.number("beta_slow", 1e-6, kMaxFactor, 1.0);
  result.truncate = rope.boolean("truncate", true);
  const double mscale = rope.number("mscale", 0.0, kMaxFactor, 0.0);
  const double all = rope.number("mscale_all_dim", 0.0, kMaxFactor, 0.0);
  if (result.attention_factor == 0.0 && mscale > 0.0 && all > 0.0) {
    result.attention_factor =
        yarn_scale(result.factor, mscale) / yarn_scale(result.factor, all);
  }
}

double parse_partial(const ConfigReader& rope, const Family& family,
                     const RopeConfig& result, const RopeDefaults& defaults) {
  const double partial = rope.number("partial_rotary_factor", 1e-3, 1.0,
                                     defaults.partial_rotary_factor);
  if (family.partial_rotary) {
    return partial;
  }
  // transformers ignores the factor of the level above in a default rope of
  // these families, and fails or rotates other axes in every other type.
  const bool ignored =
      result.type == "default" && !rope.has("partial_rotary_factor");
  if (partial != 1.0 && !ignored) {
    rope.refuse("partial_rotary_factor", "is not 1",
                fmt::format("1 for {}", family.model_type));
  }
  return 1.0;
}

// transformers rounds an odd number of rotated axes up.
std::int64_t rotated_width(const ConfigReader& rope, const ModelConfig& config,
                           const RopeConfig& result) {
  const auto rotated = static_cast<std::int64_t>(
      static_cast<double>(config.head_width) * result.partial_rotary_factor);
  if (rotated < 2 || rotated % 2 != 0) {
    rope.refuse(
        "partial_rotary_factor",
        fmt::format("rotates {} of {} axes", rotated, config.head_width),
        "an even number of them");
  }
  return rotated;
}

// The keys that only one type reads.
void parse_type(const ConfigReader& rope, const ModelConfig& config,
                const RopeDefaults& defaults, RopeConfig& result) {
  if (result.type == "default") {
    return;
  }
  const bool is_long = result.type == "longrope";
  const double stretched = static_cast<double>(config.max_positions) /
                           static_cast<double>(result.original_max_positions);
  result.factor = is_long ? rope.number("factor", 1e-6, kMaxFactor, stretched)
                          : rope.number("factor", 1e-6, kMaxFactor);
  if (is_long || result.type == "yarn") {
    result.attention_factor =
        rope.number("attention_factor", 1e-6, kMaxFactor, 0.0);
  }
  if (result.type == "llama3") {
    result.low_freq_factor = rope.number("low_freq_factor", 1e-6, kMaxFactor);
    result.high_freq_factor = rope.number("high_freq_factor", 1e-6, kMaxFactor);
    if (result.high_freq_factor <= result.low_freq_factor) {
      rope.refuse("high_freq_factor", "is not above low_freq_factor");
    }
  } else if (is_long) {
    parse_longrope(rope, rotated_width(rope, config, result) / 2, result);
  } else if (result.type == "yarn") {
    parse_yarn(rope, result);
    // transformers looks for this key one level above.
    result.truncate = result.truncate || defaults.nested;
  }
}

RopeConfig parse_one(const ConfigReader& rope, const Family& family,
                     const ModelConfig& config, const RopeDefaults& defaults) {
  RopeConfig result;
  result.type = rope_type(rope, family);
  result.theta = rope.number("rope_theta", 1.0, kMaxTheta, defaults.theta);
  result.partial_rotary_factor = parse_partial(rope, family, result, defaults);
  rotated_width(rope, config, result);
  result.original_max_positions =
      defaults.original_max_positions > 0
          ? defaults.original_max_positions
          : rope.integer("original_max_position_embeddings", 1,
                         std::int64_t{1} << 40, config.max_positions);
  parse_type(rope, config, defaults, result);
  return result;
}

std::optional<ConfigReader> nonempty(const ConfigReader& reader,
                                     const char* key) {
  auto object = reader.object(key);
  return object && !object->keys().empty() ? object : std::nullopt;
}

// One rope for all layers: rope_scaling, or else rope_parameters.
void parse_shared(const ConfigReader& reader, const Family& family,
                  ModelConfig& config, const RopeDefaults& defaults) {
  static const Json kEmpty = Json::object();
  auto rope = nonempty(reader, "rope_scaling");
  if (!rope) {
    rope = nonempty(reader, "rope_parameters");
  }
  const ConfigReader from = rope ? *rope : ConfigReader(kEmpty, "", "");
  for (const auto& key : from.keys()) {
    if (is_layer_kind(key)) {
      from.refuse(
          key, "is set",
          fmt::format("one rope for all layers of a {}", family.model_type));
    }
  }
  config.rope = parse_one(from, family, config, defaults);
}

// rope_parameters holds one object per kind of layer; rope_scaling is that of
// the full layers, and its keys win.
void parse_by_kind(const ConfigReader& reader, const Family& family,
                   ModelConfig& config, RopeDefaults defaults) {
  const double local = reader.number("rope_local_base_freq", 1.0, kMaxTheta,
                                     family.sliding_rope_theta);
  defaults.nested = true;
  Json full = Json::object();
  Json sliding = Json::object();
  if (const auto kinds = nonempty(reader, "rope_parameters")) {
    for (const auto& key : kinds->keys()) {
      if (!is_layer_kind(key)) {
        kinds->refuse(key, "is set",
                      "one object for each of full_attention and "
                      "sliding_attention");
      }
      if (const auto kind = kinds->object(key)) {
        (key == kLayerKinds[0] ? full : sliding) = kind->json();
      }
    }
  }
  if (const auto old = nonempty(reader, "rope_scaling")) {
    if (old->has("type") && !old->has("rope_type")) {
      old->refuse("type", "is set", "rope_type",
                  "transformers does not read this key of a Gemma 3");
    }
    for (const auto& key : old->keys()) {
      if (is_layer_kind(key)) {
        old->refuse(key, "is set", "the keys of the full layers' rope");
      }
    }
    full.update(old->json());
  }
  config.rope = parse_one(ConfigReader(full, reader.origin(), "rope of full "),
                          family, config, defaults);
  defaults.theta = local;
  config.sliding_rope =
      parse_one(ConfigReader(sliding, reader.origin(), "rope of sliding "),
                family, config, defaults);
}

}  // namespace

void parse_rope(const ConfigReader& reader, const Family& family,
                ModelConfig& config) {
  const bool by_kind = family.sliding_rope_theta > 0.0;
  const RopeDefaults defaults{
      .theta = reader.number("rope_theta", 1.0, kMaxTheta, family.rope_theta),
      .partial_rotary_factor =
          reader.number("partial_rotary_factor", 1e-3, 1.0, 1.0),
      .original_max_positions =
          by_kind ? 0
                  : reader.integer("original_max_position_embeddings", 1,
                                   std::int64_t{1} << 40,
                                   family.original_max_positions)};
  if (by_kind) {
    parse_by_kind(reader, family, config, defaults);
  } else {
    parse_shared(reader, family, config, defaults);
  }
}

}  // namespace veer
