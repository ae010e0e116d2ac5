// SPDX-License-Identifier: MIT
//
// A steering vector: one direction per layer with everything that is needed
// to use it rightly. File layout: docs/formats/vectors.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "veer/base/json.h"
#include "veer/model/residual.h"

namespace veer {

class Transformer;

// Mean and standard deviation of u.h per layer, u the unit direction.
struct ProjectionMoments {
  std::vector<double> mean;
  std::vector<double> sd;
};

// Points honest -> deceptive (behaviour absent -> present), or base ->
// fine-tuned. directions_LD row l belongs to layer l at `point`; a row of
// zeros = no direction there. Per-layer lists have num_layers() entries or
// none (not measured).
struct SteeringVector {
  at::Tensor directions_LD;  // fp32, CPU, residual units (not normalised)

  std::string name;      // "contrastive@prompt_end"
  std::string contrast;  // what is subtracted from what, see contrasts.h
  std::string method;    // "mean_diff", see methods.h
  std::string position;  // TokenPosition::name()
  ResidualPoint point = ResidualPoint::kResidPost;
  std::string sign;  // "honest -> deceptive"

  std::string model;                 // name or folder, for people
  std::string model_fingerprint;     // Transformer::fingerprint()
  std::string template_fingerprint;  // ChatFormat::fingerprint()
  std::int64_t num_items = 0;        // questions behind it

  // Mean norm of the residual stream, by "MODEL.KIND" with MODEL base or
  // tuned and KIND prompt_end, prompt or generated.
  std::map<std::string, std::vector<double>> residual_norms;
  // Projections of the two sides at the position of extraction.
  ProjectionMoments positive;
  ProjectionMoments negative;
  // Over all tokens of the reference texts (scale unit `sigma`).
  ProjectionMoments tokens;
  // Share of the variance a principal component explains.
  std::vector<double> explained;

  // What else is worth knowing: presets, counts, seeds, strengths.
  std::map<std::string, std::string> facts;

  std::int64_t num_layers() const;
  std::int64_t width() const;
  // Norm of each layer's direction.
  std::vector<double> norms() const;
  // Of directions and provenance: what a sweep row is bound to.
  std::string fingerprint() const;
};

// Deterministic safetensors file, tensor "directions", metadata keys veer.*.
void write_steering_vector(const std::filesystem::path& path,
                           const SteeringVector& vector);

// Throws Error{kBadInput} on a file that is no steering vector of ours, a
// newer version, a list of the wrong length or a direction that is not
// finite.
SteeringVector read_steering_vector(const std::filesystem::path& path);

// Throws Error{kBadInput} unless layers, width and fingerprint are those of
// the model. A vector without fingerprint (imported) is held to its shape
// only. `any_fingerprint` lets a vector of another checkpoint of the same
// shape pass, for transfer experiments.
void require_fits(const SteeringVector& vector, const Transformer& model,
                  bool any_fingerprint = false);

// Provenance and per-layer numbers without the directions (report, inspect).
Json steering_vector_json(const SteeringVector& vector);

}  // namespace veer
