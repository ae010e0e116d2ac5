// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "veer/train/adapter_info.h"

namespace veer {

struct Adapter;

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
};

// The text to write for an adapter.
std::string adapter_config_json(const Adapter& adapter,
                                const AdapterInfo& info);

}  // namespace veer
