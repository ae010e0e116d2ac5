// SPDX-License-Identifier: MIT
#include "veer/model/weight_names.h"

#include <array>

namespace veer {
namespace {

// What a checkpoint may hold besides the weights that predict the next token.
struct IgnoredPart {
  std::string_view what;
  std::string_view begin;   // of the name
  std::string_view within;  // anywhere in it
};

constexpr std::array<IgnoredPart, 11> kIgnoredParts = {{
    {"a value head, which only training with rewards needs", "v_head.", ""},
    {"a value head, which only training with rewards needs", "value_head.", ""},
    {"a reward head, which scores whole texts", "reward_head.", ""},
    {"a classification head, which scores whole texts", "score.", ""},
    {"a classification head, which scores whole texts", "classifier.", ""},
    {"a head that marks answers in a text", "qa_outputs.", ""},
    {"rotary tables, which are computed", "", "rotary_emb.inv_freq"},
    {"rotary tables, which are computed", "", "rotary_emb.cos_cached"},
    {"rotary tables, which are computed", "", "rotary_emb.sin_cached"},
    {"a vision tower, which reads no text", "", "vision_tower."},
    {"a vision tower, which reads no text", "", "multi_modal_projector."},
}};

}  // namespace

std::string_view ignored_part(std::string_view name) {
  for (const IgnoredPart& part : kIgnoredParts) {
    if (name.starts_with(part.begin) &&
        name.find(part.within) != std::string_view::npos) {
      return part.what;
    }
  }
  return {};
}

std::optional<std::string> language_model_name(std::string_view name) {
  constexpr std::string_view kOuter = "language_model.";
  constexpr std::string_view kInner = "model.language_model.";
  if (!ignored_part(name).empty()) {
    return std::nullopt;
  }
  if (name.starts_with(kInner)) {
    return language_model_name(name.substr(kInner.size()));
  }
  if (name.starts_with(kOuter)) {
    return language_model_name(name.substr(kOuter.size()));
  }
  for (const std::string_view twice : {"model.model.", "model.lm_head."}) {
    if (name.starts_with(twice)) {
      return std::string(name.substr(std::string_view("model.").size()));
    }
  }
  for (const std::string_view bare : {"layers.", "embed_tokens.", "norm."}) {
    if (name.starts_with(bare)) {
      return "model." + std::string(name);
    }
  }
  return std::string(name);
}

}  // namespace veer
