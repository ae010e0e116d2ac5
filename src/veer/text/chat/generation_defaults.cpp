// SPDX-License-Identifier: MIT
#include "veer/text/chat/generation_defaults.h"

#include <cmath>
#include <filesystem>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "veer/base/error.h"
#include "veer/base/json_access.h"

namespace veer {
namespace {

struct Key {
  const char* name;
  double neutral;  // the number that changes nothing
};

// Keys that change what generate() answers without sampling. Null, false, an
// empty list and the neutral number change nothing.
constexpr Key kGreedyKeys[] = {{"no_repeat_ngram_size", 0},
                               {"encoder_repetition_penalty", 1},
                               {"encoder_no_repeat_ngram_size", 0},
                               {"bad_words_ids", 0},
                               {"sequence_bias", 0},
                               {"suppress_tokens", 0},
                               {"begin_suppress_tokens", 0},
                               {"forced_bos_token_id", -1},
                               {"forced_eos_token_id", -1},
                               {"forced_decoder_ids", 0},
                               {"force_words_ids", 0},
                               {"constraints", 0},
                               {"min_length", 0},
                               {"min_new_tokens", 0},
                               {"exponential_decay_length_penalty", 0},
                               {"penalty_alpha", 0},
                               {"num_beams", 1},
                               {"num_beam_groups", 1},
                               {"diversity_penalty", 0},
                               {"guidance_scale", 1},
                               {"stop_strings", 0},
                               {"watermarking_config", 0},
                               {"dola_layers", 0}};

constexpr Key kSamplingKeys[] = {{"temperature", 1}, {"top_p", 1},
                                 {"top_k", 0},       {"min_p", 0},
                                 {"typical_p", 1},   {"epsilon_cutoff", 0},
                                 {"eta_cutoff", 0},  {"renormalize_logits", 0}};

bool is_neutral(const Json& value, double neutral) {
  if (value.is_null() || value == false) {
    return true;
  }
  if (value.is_number()) {
    return value.get<double>() == neutral;
  }
  return value.is_structured() && value.empty();
}

// "num_beams 4", long values cut.
template <std::size_t N>
std::vector<std::string> named(const Json& config, const Key (&keys)[N]) {
  std::vector<std::string> out;
  for (const auto& [name, neutral] : keys) {
    const Json& value = member(config, name);
    if (!is_neutral(value, neutral)) {
      std::string text = dump_json(value);
      if (text.size() > 40) {
        text = value.is_array() ? fmt::format("({} entries)", value.size())
                                : std::string("(set)");
      }
      out.push_back(fmt::format("{} {}", name, text));
    }
  }
  return out;
}

}  // namespace

GenerationDefaults read_generation_defaults(const Json& config,
                                            const std::string& file) {
  GenerationDefaults out;
  const Json& penalty = member(config, "repetition_penalty");
  if (!penalty.is_null()) {
    if (!penalty.is_number() || !std::isfinite(penalty.get<double>()) ||
        penalty.get<double>() <= 0.0) {
      fail(
          "chat format",
          fmt::format("{}: repetition_penalty is {}", file, dump_json(penalty)),
          "a number above 0");
    }
    out.repetition_penalty = penalty.get<double>();
  }
  const std::string name = std::filesystem::path(file).filename().string();
  if (const auto keys = named(config, kGreedyKeys); !keys.empty()) {
    out.notes.push_back(
        fmt::format("{} asks for {} when text is generated; Veer does not "
                    "follow {}",
                    name, fmt::join(keys, ", "),
                    keys.size() == 1 ? "this key" : "these keys"));
  }
  if (member(config, "do_sample") == true) {
    const auto keys = named(config, kSamplingKeys);
    out.notes.push_back(fmt::format(
        "{} asks for sampling{}{}; Veer answers greedily unless a temperature "
        "is set",
        name, keys.empty() ? "" : " with ", fmt::join(keys, ", ")));
  }
  return out;
}

}  // namespace veer
