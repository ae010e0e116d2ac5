// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "veer/train/adapter_info.h"

namespace veer {

struct Adapter;

// What was done to the base weights before training began, and is done again
// when PEFT loads the adapter: the start's product was taken out of them.
enum class AdapterStart {
  kPlain,  // nothing
  kPissa,  // the leading singular triples (arXiv 2404.02948)
  kOlora,  // the leading columns of a QR decomposition (arXiv 2406.01775)
};

// adapter_config.json, checked. Which module gets a pair, and of which rank
// and scale, follows PEFT's rules. Throws Error{kBadInput} naming the key.
class AdapterConfig {
 public:
  static AdapterConfig parse(std::string_view json, std::string_view origin);

  const AdapterInfo& info() const { return info_; }

  // Whether the module at `path` gets a pair; nothing if target_modules is
  // null (PEFT then asks its table of architectures).
  std::optional<bool> targets(const std::string& path) const;
  std::int64_t rank(const std::string& path) const;
  // alpha / rank or alpha / sqrt(rank).
  double scale(const std::string& path) const;

  AdapterStart start() const { return start_; }
  bool dora() const { return dora_; }
  bool lora_bias() const { return lora_bias_; }
  // Whether embedding and tied head were trained as one.
  bool ties() const { return ties_; }
  // Names of modules_to_save; whether the module at `path` is or
  // lies in one of them.
  const std::vector<std::string>& saved() const { return saved_; }
  bool saves(const std::string& path) const;
  // trainable_token_indices of the module at `path`; empty: none.
  std::vector<std::int64_t> tokens(const std::string& path) const;

 private:
  // A list of module names or one pattern.
  struct Modules {
    bool set = false;
    bool is_pattern = false;
    std::vector<std::string> names;
  };
  using Patterns = std::vector<std::pair<std::string, double>>;
  friend class AdapterConfigReader;

  bool matches(const Modules& modules, const std::string& path) const;
  bool layer_matches(const std::string& path) const;
  double patterned(const Patterns& patterns, const std::string& path,
                   double otherwise) const;

  std::string origin_;
  AdapterInfo info_;
  Modules target_;
  Modules exclude_;
  std::vector<std::string> layers_pattern_;
  bool layers_set_ = false;
  Patterns rank_pattern_;
  Patterns alpha_pattern_;
  AdapterStart start_ = AdapterStart::kPlain;
  bool dora_ = false;
  bool lora_bias_ = false;
  bool ties_ = false;
  std::vector<std::string> saved_;
  std::map<std::string, std::vector<std::int64_t>> tokens_;
};

// The text to write for an adapter.
std::string adapter_config_json(const Adapter& adapter,
                                const AdapterInfo& info);

}  // namespace veer
