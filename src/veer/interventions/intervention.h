// SPDX-License-Identifier: MIT
//
// What a person asks for: a vector, an operator, a scale in some unit, the
// layers and the tokens. compile() turns it into the edits of single sites
// that the table applies.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/interventions/choices.h"
#include "veer/interventions/operators.h"
#include "veer/interventions/scope.h"
#include "veer/model/residual.h"

namespace veer {

// Mean norm of the residual stream per layer over one kind of token, on the
// model being steered. Empty = not measured.
struct ResidualNorms {
  std::vector<double> prompt_L;      // all prompt tokens but the first (BOS)
  std::vector<double> prompt_end_L;  // the token that makes the first answer
                                     // token
  std::vector<double> generated_L;   // answer tokens
};

// A direction per layer and what is known about it. Only `directions_LD` is
// always needed; an operator or unit that lacks its statistic refuses.
struct SteeringInput {
  std::string name;
  // fp32, honest -> deceptive, as extracted. A row of zeros is a layer without
  // a direction: LayerMode::kAllOwn acts at the others, every other choice of
  // layers refuses it.
  at::Tensor directions_LD;
  ResidualNorms norms;
  std::vector<double> sigma_L;  // sd of u.h over reference tokens
  at::Tensor negative_mean_LD;  // class means (honest, deceptive)
  at::Tensor positive_mean_LD;
  at::Tensor read_LD;       // LEACE: S^-1 (mu+ - mu-)
  at::Tensor mean_LD;       // LEACE: mean of all tokens
  at::Tensor second_LD;     // rotate: second direction of the plane
  at::Tensor condition_LD;  // gated: condition direction
  at::Tensor basis_LKD;     // subspace: K directions, orthonormal per layer
  at::Tensor low_rank_read_LKD;    // LoReFT R, orthonormal rows
  at::Tensor low_rank_target_LKD;  // LoReFT W
  at::Tensor low_rank_bias_LK;     // LoReFT b
  // Random orthonormal directions, as many as the operator writes at least:
  // compile() then makes the edits' matched controls (matched_control.h).
  at::Tensor control_LKD;
};

struct Intervention {
  std::string operation = "add";
  double scale = 1.0;  // ablate: share removed; rotate: degrees; set: target
  ScaleUnit unit = ScaleUnit::kRaw;
  LayerMode layer_mode = LayerMode::kSet;
  std::vector<std::int64_t> layers;  // 0-based
  // Layer whose direction is used everywhere; -1 = each layer its own.
  std::int64_t source_layer = -1;
  Budget budget = Budget::kFull;
  NormKind norm_kind = NormKind::kAuto;
  ResidualPoint point = ResidualPoint::kResidPost;
  TokenScope scope;
  double threshold = 0.0;  // soft, gated: tau
  double steepness = 1.0;  // soft: q
};

// The change at one site, ready to be applied.
struct SiteEdit {
  ResidualSite site;
  EditCode code = EditCode::kPush;
  EditNumbers numbers;
  bool keeps_norm = false;
  at::Tensor read_KD;   // fp32, contiguous
  at::Tensor write_KD;  // fp32, contiguous; first rows of the read ones may
                        // be the same tensor
  std::vector<float> offset_K;  // r0
  at::Tensor condition_D;       // gate; undefined = always open
  // Both orthonormal, or both undefined: the edit is a matched control, whose
  // change along the own directions goes along the random ones.
  at::Tensor own_KD;
  at::Tensor random_KD;
  float gate_threshold = 0.0F;
  TokenScope scope;
};

// The edits of one intervention in a model of `num_layers` layers. Empty when
// it changes nothing (scale 0 of an operator that has a zero).
// Throws Error on an unknown operator, a layer out of range, directions of
// another shape, a zero or non-finite direction where a unit one is needed,
// and a unit or operator whose statistic `input` lacks.
std::vector<SiteEdit> compile(const Intervention& intervention,
                              const SteeringInput& input,
                              std::int64_t num_layers);

}  // namespace veer
