// SPDX-License-Identifier: MIT
//
// The rotary keys of config.json, in both generations:
//   4.x: rope_theta, rope_scaling {type | rope_type, factor, ...},
//        rope_local_base_freq (Gemma 3)
//   5.x: rope_parameters {rope_type, rope_theta, ...}, or one such object per
//        kind of layer under "full_attention" and "sliding_attention".
#include "veer/model/config_rope.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace veer {
namespace {

constexpr double kMaxTheta = 1e15;
constexpr double kMaxFactor = 1e6;

// Whether the object holds one object per kind of layer.
bool is_nested(const ConfigReader& rope) {
  const auto keys = rope.keys();
  return !keys.empty() && std::ranges::all_of(keys, [](const auto& key) {
    return key == "full_attention" || key == "sliding_attention";
  });
}

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

// `original`: the top-level original_max_position_embeddings, 0 = none.
RopeConfig parse_one(const ConfigReader& rope, const Family& family,
                     const ModelConfig& config, double theta,
                     double rotary_factor, std::int64_t original) {
  RopeConfig result;
  result.type = rope_type(rope, family);
  result.theta = rope.number("rope_theta", 1.0, kMaxTheta, theta);
  result.partial_rotary_factor =
      rope.number("partial_rotary_factor", 1e-3, 1.0, rotary_factor);
  if (result.partial_rotary_factor != 1.0 && !family.partial_rotary) {
    rope.refuse("partial_rotary_factor", "is not 1",
                fmt::format("1 for {}", family.model_type));
  }
  result.original_max_positions =
      original > 0 ? original
                   : rope.integer("original_max_position_embeddings", 1,
                                  std::int64_t{1} << 40, config.max_positions);
  const bool needs_factor =
      result.type != "default" && result.type != "longrope";
  const double absent = static_cast<double>(config.max_positions) /
                        static_cast<double>(result.original_max_positions);
  result.factor = needs_factor
                      ? rope.number("factor", 1e-6, kMaxFactor)
                      : rope.number("factor", 1e-6, kMaxFactor, absent);
  if (result.type == "longrope" && original > 0) {
    result.factor = absent;
  }
  result.attention_factor =
      rope.number("attention_factor", 0.0, kMaxFactor, 0.0);
  if (result.type == "llama3") {
    result.low_freq_factor = rope.number("low_freq_factor", 1e-6, kMaxFactor);
    result.high_freq_factor = rope.number("high_freq_factor", 1e-6, kMaxFactor);
    if (result.high_freq_factor <= result.low_freq_factor) {
      rope.refuse("high_freq_factor", "is not above low_freq_factor");
    }
  } else if (result.type == "longrope") {
    if (original == 0 && !rope.has("original_max_position_embeddings")) {
      rope.refuse("original_max_position_embeddings", "is missing",
                  "the length up to which the short factors hold");
    }
    const auto rotated = static_cast<std::int64_t>(
        static_cast<double>(config.head_width) * result.partial_rotary_factor);
    parse_longrope(rope, rotated / 2, result);
  } else if (result.type == "yarn") {
    parse_yarn(rope, result);
  }
  return result;
}

}  // namespace

void parse_rope(const ConfigReader& reader, const Family& family,
                ModelConfig& config) {
  static const Json kEmpty = Json::object();
  const double theta =
      reader.number("rope_theta", 1.0, kMaxTheta, family.rope_theta);
  const double local = reader.number("rope_local_base_freq", 1.0, kMaxTheta,
                                     family.sliding_rope_theta);
  const double rotary =
      family.partial_rotary
          ? reader.number("partial_rotary_factor", 1e-3, 1.0, 1.0)
          : 1.0;
  const std::int64_t original = reader.integer(
      "original_max_position_embeddings", 1, std::int64_t{1} << 40, 0);
  auto rope = reader.object("rope_scaling");
  if (!rope || rope->keys().empty()) {
    rope = reader.object("rope_parameters");
  }
  const ConfigReader none(kEmpty, "", "");
  const auto parse = [&](const ConfigReader& from, double base) {
    return parse_one(from, family, config, base, rotary, original);
  };
  if (rope && is_nested(*rope)) {
    const auto full = rope->object("full_attention");
    const auto sliding = rope->object("sliding_attention");
    config.rope = parse(full ? *full : none, theta);
    config.sliding_rope =
        parse(sliding ? *sliding : none, local > 0.0 ? local : theta);
    return;
  }
  config.rope = parse(rope ? *rope : none, theta);
  if (family.sliding_rope_theta > 0.0) {
    config.sliding_rope = parse(none, local);
  }
}

}  // namespace veer
