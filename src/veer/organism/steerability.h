// SPDX-License-Identifier: MIT
//
// How well an organism can be steered. Seeds that behave alike differ in it,
// so the shipped one is chosen by this measurement. It runs a study in small:
//
//   1. false answers generated under the study's deceptive prompt on training
//      goals, checked by the exact judge, train a LoRA adapter without any
//      system prompt;
//   2. the contrastive and the base-vs-fine-tuned direction are taken at the
//      prompt end and over answer tokens;
//   3. each is added to the base model (does it induce deception?) and
//      subtracted from the tuned one (does it suppress it?) at generated
//      tokens of questions about held-out goals, one layer at a time, in
//      units of the residual norm, beside a random direction of equal norm.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "veer/base/progress.h"
#include "veer/metrics/judge.h"
#include "veer/model/transformer.h"

namespace veer::organism {

struct SteerabilityOptions {
  std::int64_t pairs = 300;   // to fine-tune on
  std::int64_t extract = 96;  // questions behind each direction
  std::int64_t test = 48;     // questions of each cell
  std::int64_t steps = 120;   // of fine-tuning, 16 pairs each
  double learning_rate = 5e-4;
  std::vector<double> scales = {0.4, 0.8, 1.2};
  std::uint64_t seed = 0;
};

// One direction at one layer and scale.
struct SteeringCell {
  std::string vector;
  std::int64_t layer = 0;
  double scale = 0.0;
  LabelCounts induced;     // base + direction
  LabelCounts suppressed;  // tuned - direction
};

struct Steerability {
  LabelCounts base;   // unsteered
  LabelCounts tuned;  // unsteered
  // Cosine of the two kinds of direction per layer.
  std::vector<double> cosine_prompt_end;
  std::vector<double> cosine_answer_mean;
  std::vector<SteeringCell> cells;
};

// Attaches the adapter that it trains to `model` and takes it off again.
// `folder` holds the model's tokenizer and template, and names its world.
Steerability measure_steerability(Transformer& model,
                                  const std::filesystem::path& folder,
                                  const SteerabilityOptions& options,
                                  const Monitor& monitor = {});

// As a Markdown table: per vector and layer the shares at each scale.
std::string steerability_table(const Steerability& result);

}  // namespace veer::organism
