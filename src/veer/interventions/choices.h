// SPDX-License-Identifier: MIT
//
// The words in which strength and place of an intervention are given. No
// torch in this file: manifests are checked without it.
#pragma once

#include <cstdint>
#include <string_view>

namespace veer {

// Displacement of scale s at layer k (methods.md 1.4):
//   raw        s v          as extracted
//   unit       s u          u = v / |v|
//   rel        s m_k u      m_k = mean residual norm of the tokens acted on
//   rel_token  s |h| u      the token's own norm
//   sigma      s sd_k u
enum class ScaleUnit : std::uint8_t { kRaw, kUnit, kRel, kRelToken, kSigma };
ScaleUnit parse_unit(std::string_view name);
std::string_view unit_name(ScaleUnit unit);

// Which layers act, with which direction.
enum class LayerMode : std::uint8_t {
  kSet,         // `layers`, each with its own direction (one layer: one entry)
  kAllOwn,      // every layer with its own direction
  kAllSame,     // every layer with the direction of layers[0]
  kIncrements,  // every layer with v[k] - v[k-1]
};
LayerMode parse_layer_mode(std::string_view name);
std::string_view layer_mode_name(LayerMode mode);

// How the strength is shared out when several layers act.
enum class Budget : std::uint8_t { kFull, kPerLayer, kPerRootLayer };
Budget parse_budget(std::string_view name);

// Whose norms unit rel uses. kAuto: those of the tokens the scope acts on
// (prompt scope: prompt; every other scope: generated).
enum class NormKind : std::uint8_t { kAuto, kPrompt, kPromptEnd, kGenerated };
NormKind parse_norm_kind(std::string_view name);

}  // namespace veer
